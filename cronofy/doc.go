// Package cronofy is a Go client of the public API: OAuth 2.0, Enterprise
// Connect, calendars and free/busy in Cronofy's dialect, the calls that only
// this hub has (/v1/enterprise_connect/…), and the signed callbacks.
//
// It is the one package that other modules may import; Smart Calendar uses the
// hub through nothing else. The calls that Cronofy has too work against Cronofy.
// It imports the standard library only and knows nothing of how the hub works
// inside.
//
//	client, err := cronofy.New(cronofy.Config{BaseURL: hub, ClientID: id, ClientSecret: secret})
//	intent, err := client.CreateIntent(ctx, cronofy.IntentRequest{RedirectURI: back, …})
//	// send the administrator to intent.URL; she returns with a code
//	token, err := client.ExchangeCode(ctx, code, back, "")
//	company := client.Bearer(client.Renewing(token, save))
//	err = company.AuthorizeAccounts(ctx, []cronofy.Authorize{{Email: …, CallbackURL: …, Scope: …}})
package cronofy
