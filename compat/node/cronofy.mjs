// The unmodified npm package cronofy, against a hub. Prints a line per case:
// ok|FAIL CLIENT CASE. Environment: KALENDS_BASE_URL, KALENDS_CLIENT_ID,
// KALENDS_CLIENT_SECRET, KALENDS_SERVICE_TOKEN and KALENDS_SERVICE_REFRESH_TOKEN
// (the company's), KALENDS_EMAIL (a person's), KALENDS_CALLBACK_HOST (where this
// script may be called back).
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Cronofy from 'cronofy';

const env = process.env;
const name = 'node-cronofy-3.8.4';
let failed = false;

function client(tokens) {
  const made = new Cronofy({
    client_id: env.KALENDS_CLIENT_ID,
    client_secret: env.KALENDS_CLIENT_SECRET,
    ...tokens,
  });
  made.urls.api = env.KALENDS_BASE_URL;
  return made;
}

async function attempt(what, act) {
  try {
    const problem = await act();
    if (problem) throw new Error(problem);
    console.log(`ok ${name} ${what}`);
  } catch (error) {
    failed = true;
    console.log(`FAIL ${name} ${what}`);
    console.error(what, error.message);
  }
}

const person = client({});
const company = client({
  access_token: env.KALENDS_SERVICE_TOKEN,
  refresh_token: env.KALENDS_SERVICE_REFRESH_TOKEN,
});
const callback = `http://${env.KALENDS_CALLBACK_HOST}/callback?who=${encodeURIComponent(env.KALENDS_EMAIL)}`;
let token = {};
let code = '';

// called waits for the hub's callback and checks its signature.
async function called(server) {
  const [request, response] = await once(server, 'request', { signal: AbortSignal.timeout(30_000) });
  const parts = [];
  for await (const part of request) parts.push(part);
  response.end();
  const body = Buffer.concat(parts);
  const want = createHmac('sha256', env.KALENDS_CLIENT_SECRET).update(body).digest();
  const signatures = (request.headers['cronofy-hmac-sha256'] ?? '').split(',').map((text) => Buffer.from(text, 'base64'));
  if (!signatures.some((given) => given.length === want.length && timingSafeEqual(given, want))) throw new Error('the signature is wrong');
  return JSON.parse(body.toString()).authorization;
}

await attempt('connect', async () => {
  const info = await company.userInfo();
  if (info['cronofy.type'] !== 'service_account') return 'not a service account';
  const fresh = await company.refreshAccessToken();
  return fresh.access_token ? '' : 'the company has no fresh token';
});
await attempt('authorise', async () => {
  const [host, port] = env.KALENDS_CALLBACK_HOST.split(':');
  const server = createServer().listen(Number(port), host);
  await once(server, 'listening');
  const answer = called(server);
  await company.authorizeWithServiceAccount({ email: env.KALENDS_EMAIL, callback_url: callback, scope: 'read_write' });
  const authorization = await answer;
  server.close();
  server.closeAllConnections();
  code = authorization.code;
  return code ? '' : `no code: ${authorization.error_key}`;
});
await attempt('exchange-code', async () => {
  token = await person.requestAccessToken({
    code,
    redirect_uri: callback,
    grant_type: 'authorization_code',
  });
  return token.linking_profile?.profile_name ? '' : 'no linking_profile.profile_name';
});
await attempt('refresh', async () => {
  const fresh = await person.refreshAccessToken();
  return fresh.access_token && fresh.refresh_token === token.refresh_token ? '' : 'the refresh token changed';
});
await attempt('user-info', async () => {
  const info = await person.userInfo();
  return info.sub === token.sub && info['cronofy.type'] === 'account' ? '' : 'not the person';
});
await attempt('resources', async () => {
  // 3.8.4 has no method for it: its own transport, as its methods use it.
  const { resources } = await company._httpGet('/v1/resources', { access_token: env.KALENDS_SERVICE_TOKEN });
  return Array.isArray(resources) ? '' : 'no list';
});
await attempt('list-calendars', async () => {
  const { calendars } = await person.listCalendars();
  return calendars.length > 0 && calendars[0].calendar_id ? '' : 'no calendars';
});
await attempt('free-busy', async () => {
  const answer = await person.freeBusy({ tzid: 'Europe/Berlin' });
  return Array.isArray(answer.free_busy) && answer.pages.current === 1 ? '' : 'no page';
});
await attempt('revoke', async () => {
  await person.revokeAuthorization();
  const after = client({ access_token: token.access_token });
  const refused = await after.userInfo().then(() => false, () => true);
  return refused ? '' : 'the token still works';
});
process.exit(failed ? 1 : 0);
