package ewsfake

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
)

// errorPage is where ASP.NET sends requests that it cannot serve now.
const errorPage = "/ews/genericerrorpage.htm"

func (s *server) showErrorPage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>An unexpected error occurred and your request couldn't be handled.</h1></body></html>")
}

// serverError is what ASP.NET shows of an application that fails.
func serverError(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>Server Error in '/EWS' Application.</h1><h2><i>Runtime Error</i></h2></body></html>")
}

// traces are the headers by which a request is found in the server's logs and
// sent to the same back end again.
func (c *call) traces(w http.ResponseWriter) {
	if c.build.level < level2013 {
		return
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	w.Header().Set("request-id", fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]))
	if own := c.http.Header.Get("client-request-id"); own != "" && c.http.Header.Get("return-client-request-id") == "true" {
		w.Header().Set("client-request-id", own)
	}
	if _, err := c.http.Cookie("exchangecookie"); err != nil {
		http.SetCookie(w, &http.Cookie{Name: "exchangecookie", Value: fmt.Sprintf("%x", id), Path: "/", HttpOnly: true})
	}
	if c.acting != nil {
		http.SetCookie(w, &http.Cookie{Name: "X-BackEndCookie", Value: fmt.Sprintf("%s=%x", guid(c.acting), digest(boxOf(c.acting))), Path: "/EWS", Secure: true, HttpOnly: true})
	}
}
