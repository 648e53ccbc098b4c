// Package api is the public HTTP surface: OAuth 2.0's token endpoints and /v1/*
// in Cronofy's dialect, with our own calls below /v1/enterprise_connect.
// openapi.yaml describes it and is served with it.
//
// cmd mounts it. It parses, calls one act of a hub room and writes the answer;
// tokens, scopes, limits and errors are handled in one place for all routes. It
// must not know how anything is stored, nor any provider.
package api
