package console_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"kalends/console"
)

// Behind https cookies belong to this very host, and browsers stay with https;
// on a developer's loopback there is neither.
func TestCookiesAndTransportBehindHTTPS(t *testing.T) {
	t.Parallel()
	for secure, want := range map[bool][3]string{
		true: {"__Host-kalends_connect", "/", "max-age=31536000"}, false: {"kalends_connect", "/enterprise_connect", ""},
	} {
		pages, err := console.New(console.Config{Hub: newHub(), Secure: secure, Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/enterprise_connect/i/good", nil))
		cookie := answer.Result().Cookies()[0]
		got := [3]string{cookie.Name, cookie.Path, answer.Header().Get("Strict-Transport-Security")}
		if got != want || cookie.Secure != secure || cookie.Domain != "" {
			t.Errorf("https %t: %q, %v", secure, got, cookie)
		}
		request := httptest.NewRequest(http.MethodGet, "/enterprise_connect/connect", nil)
		request.AddCookie(cookie)
		answer = httptest.NewRecorder()
		pages.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK {
			t.Errorf("https %t: the cookie is not taken: %d", secure, answer.Code)
		}
	}
}
