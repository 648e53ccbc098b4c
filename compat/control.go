package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// control calls the sandbox's control API; into may be nil.
func (d demo) control(ctx context.Context, method, path, body string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, d.SandboxURL+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answers %s to %s", answer.Status, path)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// findRoom asks the sandbox for a room.
func (d *demo) findRoom(ctx context.Context) error {
	var world struct {
		Rooms []struct {
			Email string `json:"email"`
		} `json:"rooms"`
	}
	if err := d.control(ctx, http.MethodGet, "world", "", &world); err != nil {
		return err
	}
	if len(world.Rooms) == 0 {
		return errors.New("the sandbox has no room")
	}
	d.room = world.Rooms[0].Email
	return nil
}

// beExchange makes the simulated server one of a version, with letters that
// arrive at once; "" leaves everything as it is.
func (d demo) beExchange(ctx context.Context, version string) error {
	if version == "" {
		return nil
	}
	if err := d.control(ctx, http.MethodPatch, "mail", `{"delay_ms":0,"room_delay_ms":0}`, nil); err != nil {
		return err
	}
	return d.control(ctx, http.MethodPatch, "systems/exchange", `{"version":"`+version+`"}`, nil)
}
