// Command windowszones writes zone/windows_table.go, the table of Windows and
// IANA time zone names, from the npm package windows-iana. It is called by go
// generate only and needs npm and node; the table it makes is committed.
package main
