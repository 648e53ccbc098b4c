// Package ntlm signs HTTP requests in by NTLM (MS-NLMP, MS-NTHT) the way IIS
// expects it: a TCP connection is signed in, not a request, so each credential has
// connections of its own, one request at a time on each, HTTP/1.1 only. Over TLS
// the sign-in is bound to the server's certificate (RFC 5929
// tls-server-end-point), which Extended Protection asks for.
//
// provider/ews calls it. It knows nothing of Exchange, of retries or of why a
// sign-in was refused: a 401 comes back as the server gave it.
package ntlm
