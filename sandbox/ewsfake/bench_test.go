package ewsfake_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

func benchmark(b *testing.B, operation string) {
	server, err := ewsfake.Start(b.Context(), sandbox.Config{People: 1000, EventsPerMailbox: 200, Plain: true})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	block := server.Ready().Exchange.(ewsfake.Block)
	body := `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header><t:RequestServerVersion Version="Exchange2013_SP1"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>` +
		block.TestEmail + `</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>` + operation + `</s:Body></s:Envelope>`
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // a benchmark on the loopback
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://"+server.Resolve()["mail.musterwerk.example:443"]+"/EWS/Exchange.asmx", strings.NewReader(body))
			request.SetBasicAuth(block.ServiceAccount, block.Password)
			response, err := client.Do(request)
			if err != nil || response.StatusCode != 200 {
				b.Error("the request failed: ", err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
}
