// Command acceptors signs our Exchange driver in to servers that others wrote:
// Apache with mod_auth_gssapi and gss-ntlmssp, gss-ntlmssp with channel bindings,
// and openssl s_server in old modes. Behind the first two stands the simulated
// Exchange. The compat runner starts it with the name of one of them; it prints a
// line for each case, "ok NAME CASE" or "FAIL NAME CASE: why".
package main
