// Package browser drives a real browser in tests the way people do: by role and
// label. It also asks axe whether a page can be used by everybody, and takes the
// screenshots.
//
// Browser tests of the pages call it. It must not know what the pages show, and
// is never linked into the server.
package browser
