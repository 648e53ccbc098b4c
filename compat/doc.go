// Command compat lets clients that others wrote loose on a connected demo: the
// official Cronofy SDK on the hub, and Exchange clients on the sandbox. Each case
// is a line "ok|FAIL|skip CLIENT CASE"; a skip is a failure where CI is set.
//
// make compat calls it. The clients' scripts stand in the folders below and know
// nothing but addresses and credentials in their environment.
package main
