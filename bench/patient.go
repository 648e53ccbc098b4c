package main

import (
	"net/http"
	"strconv"
	"time"
)

// patient is the transport of an application that keeps to the hub's limits: it
// waits as long as a 429 says, and asks again.
type patient struct{}

// RoundTrip implements http.RoundTripper.
func (patient) RoundTrip(request *http.Request) (*http.Response, error) {
	for {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil || response.StatusCode != http.StatusTooManyRequests || request.Body != nil && request.GetBody == nil {
			return response, err
		}
		_ = response.Body.Close()
		wait, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			wait = 1
		}
		select {
		case <-request.Context().Done():
			return nil, request.Context().Err()
		case <-time.After(time.Duration(wait) * time.Second):
		}
		if request.GetBody != nil {
			if request.Body, err = request.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}
