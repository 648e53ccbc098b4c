// Package ntlm is the server's side of NTLMv2 (MS-NLMP): it challenges and
// verifies, channel bindings of Extended Protection and message integrity
// codes included.
//
// Called by the simulated Exchange. It must not know companies, HTTP, nor any
// client's implementation of the same messages.
package ntlm
