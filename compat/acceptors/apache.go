package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// configuration of Apache: NTLM users in front, the simulated Exchange behind.
const configuration = `ServerRoot {{folder}}
ServerName mail.musterwerk.example
PidFile {{folder}}/pid
ErrorLog {{folder}}/error.log
User www-data
Group www-data
{{modules}}
Listen {{ntlm}}
SSLProxyEngine on
SSLProxyVerify none
SSLProxyCheckPeerName off
SSLProxyCheckPeerCN off
SSLProxyCheckPeerExpire off
<Location "/">
AuthType GSSAPI
AuthName x
GssapiConnectionBound On
GssapiAllowedMech ntlmssp
Require valid-user
RequestHeader set Authorization "Basic {{basic}}"
RequestHeader set Host "{{behind}}"
ProxyPass "https://{{address}}/"
</Location>
<VirtualHost {{ntlm}}>
{{tls}}
</VirtualHost>
`

var modules = []string{"mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "ssl", "auth_gssapi"}

func apache(ctx context.Context, b *bench) error {
	s, err := b.startApache(ctx)
	if err != nil {
		return err
	}
	b.say("check by NTLM", s.wantMethod(ctx, "NTLM"))
	b.say("many at once, a wrong password rides on no connection", s.manyAtOnce(ctx, "ntlm"))
	b.say("many at once under the name Negotiate", s.manyAtOnce(ctx, "negotiate"))
	return nil
}

func (b *bench) startApache(ctx context.Context) (server, error) {
	ca, err := b.certificate("server", "-addext", "subjectAltName=DNS:"+host)
	if err != nil {
		return server{}, err
	}
	s := server{freeAddress(), ca}
	if err := b.writeUsers(); err != nil {
		return s, err
	}
	config := b.path("httpd.conf")
	if err := os.WriteFile(config, []byte(b.configure(s.address)), 0o644); err != nil { //nolint:gosec // Apache reads it as another user
		return s, err
	}
	command := exec.CommandContext(ctx, "/usr/sbin/apache2", "-f", config, "-DFOREGROUND")
	command.Env = append(os.Environ(), "NTLM_USER_FILE="+b.path("users"))
	if err := b.background(command); err != nil {
		return s, err
	}
	return s, waitFor(ctx, s.address)
}

func (b *bench) configure(address string) string {
	var load strings.Builder
	for _, name := range modules {
		fmt.Fprintf(&load, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", name, name)
	}
	credentials := os.Getenv("EWS_USER") + ":" + os.Getenv("EWS_PASSWORD")
	return strings.NewReplacer(
		"{{folder}}", b.folder, "{{modules}}", load.String(), "{{ntlm}}", address,
		"{{basic}}", base64.StdEncoding.EncodeToString([]byte(credentials)),
		"{{behind}}", hostOf(os.Getenv("EWS_URL")), "{{address}}", os.Getenv("EWS_ADDRESS"),
		"{{tls}}", fmt.Sprintf("SSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s", b.path("server.pem"), b.path("server.key")),
	).Replace(configuration)
}

// writeUsers writes the accounts that gss-ntlmssp knows.
func (b *bench) writeUsers() error {
	domain, user, _ := strings.Cut(account, `\`)
	return os.WriteFile(b.path("users"), []byte(domain+":"+user+":"+password+"\n"), 0o644) //nolint:gosec // Apache reads it as another user
}
