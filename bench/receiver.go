package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"kalends/cronofy"
)

// receiver is an application that is called back: it exchanges each code and
// counts. Its control page tells what it has.
type receiver struct {
	HubURL       string
	ClientID     string
	ClientSecret string
	Listen       string `default:"127.0.0.1:0"`

	mu     sync.Mutex
	tokens map[string]string // by the address in the callback's query
	errors map[string]string
	calls  int
}

// receiverReady is the line that the receiver prints first.
type receiverReady struct {
	URL string `json:"url"`
}

// receiverState is what GET /state answers.
type receiverState struct {
	Tokens map[string]string `json:"tokens"`
	Errors map[string]string `json:"errors"`
	Calls  int               `json:"calls"`
}

// Run serves until the context ends.
func (r *receiver) Run(e *environment) error {
	r.tokens, r.errors = map[string]string{}, map[string]string{}
	client, err := cronofy.New(cronofy.Config{BaseURL: r.HubURL, ClientID: r.ClientID, ClientSecret: r.ClientSecret})
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(e.ctx, "tcp", r.Listen)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", r.state)
	mux.HandleFunc("POST /callback", func(w http.ResponseWriter, request *http.Request) { r.callback(w, request, client, address) })
	if err := json.NewEncoder(os.Stdout).Encode(receiverReady{URL: address}); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { <-e.ctx.Done(); _ = server.Close() }()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (r *receiver) callback(w http.ResponseWriter, request *http.Request, client *cronofy.Client, address string) {
	var body struct {
		Authorization struct {
			Code     string `json:"code"`
			ErrorKey string `json:"error_key"`
		} `json:"authorization"`
	}
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	email := request.URL.Query().Get("email")
	token, problem := "", body.Authorization.ErrorKey
	if body.Authorization.Code != "" {
		answer, err := client.ExchangeCode(request.Context(), body.Authorization.Code, address+request.URL.String(), "")
		if err != nil {
			fmt.Fprintln(os.Stderr, "exchange:", err)
			http.Error(w, "not exchanged", http.StatusInternalServerError)
			return
		}
		token = answer.AccessToken
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	delete(r.errors, email)
	if token != "" {
		r.tokens[email] = token
	} else {
		r.errors[email] = problem
	}
}

func (r *receiver) state(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = json.NewEncoder(w).Encode(receiverState{Tokens: r.tokens, Errors: r.errors, Calls: r.calls})
}
