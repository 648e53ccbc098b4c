// Package connect is where an administrator's yes becomes everybody's calendar:
// applications and their links, a browser's connect with its live check and
// preview, matching addresses to mailboxes, authorising, resync, diagnosis,
// mappings, disconnect and purge, and the sign-in to the hub's own pages.
//
// The surfaces (api, console) and the command line call it. It meets the other
// hub rooms through rows and jobs only. It must not know HTTP, pages, wire
// formats of the API, nor any single provider.
//
// Every act takes the application, organisation or session that asks and touches
// nothing beyond it: what belongs to somebody else is kalends.KindNotFound.
package connect
