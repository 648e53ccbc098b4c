// The unmodified npm package ews-javascript-api, a port of Microsoft's own client,
// against the sandbox. Prints a line per case: ok|FAIL CLIENT VERSION/CASE.
// Environment: SANDBOX_URL, VERSION (of the simulated Exchange), EWS_URL,
// EWS_ADDRESS (IP:PORT where it really listens), EWS_USER, EWS_PASSWORD, EMAIL,
// DENIED, ROOM, CA_FILE.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { XhrApi } from '@ewsjs/xhr';
import ews from 'ews-javascript-api';

const env = process.env;
const name = 'ews-javascript-api';
const version = env.VERSION;
const old = version === 'Exchange2007_SP1';
const hour = 3600_000;
let failed = false;

// What its enumeration calls them: after 2016 servers take Exchange2016.
const asked = { Exchange2019: 'Exchange2016', ExchangeSE: 'Exchange2016' }[version] ?? version;
const built = {
  Exchange2007_SP1: '8.1', Exchange2010_SP1: '14.1', Exchange2010_SP2: '14.2', Exchange2013_SP1: '15.0', Exchange2016: '15.1', Exchange2019: '15.2', ExchangeSE: '15.2',
}[version];

// The simulated company's names are not in DNS.
function lookup(host, options, done) {
  const [address] = env.EWS_ADDRESS.split(':');
  if (options.all) done(null, [{ address, family: 4 }]);
  else done(null, address, 4);
}

function service(email, { password = env.EWS_PASSWORD } = {}) {
  const made = new ews.ExchangeService(ews.ExchangeVersion[asked], ews.TimeZoneInfo.Utc);
  made.Credentials = new ews.WebCredentials(env.EWS_USER, password);
  made.Url = new ews.Uri(env.EWS_URL);
  made.XHRApi = new XhrApi({ httpsAgent: new Agent({ ca: readFileSync(env.CA_FILE), lookup, keepAlive: true }) });
  made.ImpersonatedUserId = new ews.ImpersonatedUserId(ews.ConnectingIdType[old ? 'PrincipalName' : 'SmtpAddress'], email);
  return made;
}

// control calls the sandbox's control API: the truth behind what a client sees.
async function control(method, path, body) {
  const answer = await fetch(`${env.SANDBOX_URL}/_sandbox/${path}`, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

async function events(subject) {
  const { events: found } = await control('GET', `mailboxes/${env.EMAIL}/events?series=true`);
  return found.filter((event) => event.subject === subject);
}

// attempt runs a case; lacks says in which versions it must fail, with which text.
async function attempt(what, act, lacks = {}) {
  const want = lacks[version] ?? lacks.every;
  let problem = '';
  try {
    problem = (await act()) || '';
    if (want) problem ||= `must fail with ${want}`;
  } catch (error) {
    const text = `${ews.ServiceError[error.ResponseCode ?? error.ErrorCode] ?? ''} ${error.HttpStatusCode ?? ''} ${error.Message ?? error.message ?? error}`;
    problem = want && text.includes(want) ? '' : text;
  }
  failed ||= problem !== '';
  console.log(problem ? `FAIL ${name} ${version}/${what}: ${problem.replace(/\s+/g, ' ').slice(0, 300)}` : `ok ${name} ${version}/${what}`);
}

const me = service(env.EMAIL);
const calendar = new ews.FolderId(ews.WellKnownFolderName.Calendar);
const day = new Date(new Date().setUTCHours(0, 0, 0, 0) + 410 * 24 * hour);
const at = (ms) => new ews.DateTime(day.getTime() + ms, ews.DateTimeKind.Utc);
const state = {};
const colleague = 'admin@musterwerk.example';

async function view(from, to) {
  const found = await me.FindAppointments(calendar, new ews.CalendarView(new ews.DateTime(from), new ews.DateTime(to), 500));
  return found.Items;
}

await attempt('folder', async () => {
  const folder = await ews.CalendarFolder.Bind(me, calendar);
  const info = me.ServerInfo;
  if (`${info.MajorVersion}.${info.MinorVersion}` !== built) return `the server is ${info}`;
  return folder.FolderClass === 'IPF.Appointment' ? '' : folder.FolderClass;
});
await attempt('calendar-view', async () => {
  const items = await view(Date.now(), Date.now() + 14 * 24 * hour);
  if (items.length < 10) return `${items.length} appointments`;
  return items.some((item) => item.AppointmentType === ews.AppointmentType.Occurrence) ? '' : 'no occurrence';
});

// appointment is a new one; to 2007 the package wants to name the zone.
function appointment(subject, from, to) {
  const made = new ews.Appointment(me);
  made.Subject = subject;
  made.Start = at(from);
  made.End = at(to);
  if (old) made.StartTimeZone = ews.TimeZoneInfo.Utc;
  return made;
}

await attempt('save', async () => {
  const meeting = appointment('Gespräch', 9 * hour, 10 * hour);
  meeting.Body = new ews.MessageBody(ews.BodyType.Text, 'Hallo');
  meeting.Location = 'Raum Isar';
  meeting.RequiredAttendees.Add(colleague);
  meeting.Resources.Add(env.ROOM);
  await meeting.Save(ews.SendInvitationsMode.SendToAllAndSaveCopy);
  state.id = meeting.Id;
  const [made] = await events('Gespräch');
  if (!made) return 'it is not there';
  return new Date(made.start).getTime() === day.getTime() + 9 * hour ? '' : `it starts at ${made.start}`;
});
// The package writes texts as they are, so this is no XML; servers answer 400.
await attempt('unescaped-text', async () => appointment('A & B', 9 * hour, 10 * hour).Save(ews.SendInvitationsMode.SendToNone), { every: '400' });
await attempt('room-answers', async () => {
  await control('POST', 'settle');
  const meeting = await ews.Appointment.Bind(me, state.id);
  const answer = meeting.Resources.Items[0].ResponseType;
  return answer === ews.MeetingResponseType.Accept ? '' : `the room says ${ews.MeetingResponseType[answer]}`;
});
await attempt('update', async () => {
  const meeting = await ews.Appointment.Bind(me, state.id);
  meeting.Location = 'Raum Donau';
  if (old) meeting.StartTimeZone = ews.TimeZoneInfo.Utc;
  meeting.Start = at(11 * hour);
  meeting.End = at(12 * hour);
  await meeting.Update(ews.ConflictResolutionMode.AutoResolve, ews.SendInvitationsOrCancellationsMode.SendToNone);
  const [made] = await events('Gespräch');
  return made.location === 'Raum Donau' && new Date(made.start).getTime() === day.getTime() + 11 * hour ? '' : JSON.stringify(made);
});
await attempt('sync', async () => {
  const page = (from) => me.SyncFolderItems(calendar, ews.PropertySet.IdOnly, [], 512, ews.SyncFolderItemsScope.NormalItems, from);
  const first = await page(null);
  if (!first.Count || first.MoreChangesAvailable) return `${first.Count} items`;
  const meeting = await ews.Appointment.Bind(me, state.id);
  await meeting.Delete(ews.DeleteMode.MoveToDeletedItems, ews.SendCancellationsMode.SendToAllAndSaveCopy);
  const again = await page(first.SyncState);
  const kinds = again.changes.map((change) => ews.ChangeType[change.ChangeType]);
  return String(kinds) === 'Delete' ? '' : `changes: ${kinds}`;
});
await attempt('delete', async () => ((await events('Gespräch')).length ? 'it is still there' : ''));
await attempt('deleted', async () => ews.Appointment.Bind(me, state.id).then(() => ''), { every: 'ErrorItemNotFound' });
await attempt('series', async () => {
  const series = appointment('Reihe', 8 * hour, 9 * hour);
  series.Recurrence = new ews.Recurrence.DailyPattern(at(8 * hour), 2);
  series.Recurrence.NumberOfOccurrences = 5;
  await series.Save(ews.SendInvitationsMode.SendToNone);
  const seen = (await view(day.getTime(), day.getTime() + 20 * 24 * hour)).filter((item) => item.Subject === 'Reihe');
  if (seen.length !== 5) return `${seen.length} occurrences`;
  const master = await ews.Appointment.BindToRecurringMaster(me, seen[1].Id);
  if (master.Recurrence.NumberOfOccurrences !== 5) return 'the master has another pattern';
  const second = await ews.Appointment.BindToOccurrence(me, master.Id, 2);
  second.Subject = 'Reihe, zweiter Teil';
  await second.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
  const third = await ews.Appointment.BindToOccurrence(me, master.Id, 3);
  await third.Delete(ews.DeleteMode.MoveToDeletedItems, ews.SendCancellationsMode.SendToNone);
  const [made] = await events('Reihe');
  const exceptions = made.exceptions.map((one) => (one.deleted ? 'deleted' : one.subject));
  if (String(exceptions) !== 'Reihe, zweiter Teil,deleted') return `exceptions: ${exceptions}`;
  await master.Delete(ews.DeleteMode.MoveToDeletedItems, ews.SendCancellationsMode.SendToNone);
  return (await events('Reihe')).length ? 'it is still there' : '';
});
await attempt('free-busy', async () => {
  const from = new Date().setUTCHours(0, 0, 0, 0);
  const window = new ews.TimeWindow(new ews.DateTime(from), new ews.DateTime(from + 7 * 24 * hour));
  const answer = await me.GetUserAvailability([new ews.AttendeeInfo(env.EMAIL)], window, ews.AvailabilityData.FreeBusy);
  const busy = answer.AttendeesAvailability.Responses[0].CalendarEvents;
  return busy.length > 2 ? '' : `${busy.length} times`;
}, { Exchange2007_SP1: 'ErrorSchemaValidation' }); // it leaves TimeZone out, which 2007 needs
await attempt('rooms', async () => {
  const lists = (await me.GetRoomLists()).Items;
  const rooms = [];
  for (const list of lists) rooms.push(...(await me.GetRooms(list)));
  return lists.length === 2 && rooms.some((room) => room.Address === env.ROOM) ? '' : `${lists.length} lists, ${rooms.length} rooms`;
}, { Exchange2007_SP1: 'Exchange2010' });
await attempt('resolve-name', async () => {
  const found = await me.ResolveName(`smtp:${env.EMAIL}`, ews.ResolveNameSearchLocation.DirectoryOnly, true);
  return found.Count === 1 && found._getItem(0).Mailbox.Address === env.EMAIL ? '' : `${found.Count} people`;
});

// event makes one in the sandbox, not through the package.
function event(subject) {
  const [start, end] = [day, new Date(day.getTime() + hour)];
  return control('POST', `mailboxes/${env.EMAIL}/events`, { subject, start: start.toISOString(), end: end.toISOString() });
}

await attempt('pull', async () => {
  const pull = await me.SubscribeToPullNotifications([calendar], 30, null, ews.EventType.Created);
  const made = await event('Abruf');
  const seen = (await pull.GetEvents()).AllEvents.map((one) => one.EventType);
  await pull.Unsubscribe();
  await control('DELETE', `mailboxes/${env.EMAIL}/events/${made.id}`);
  return seen.includes(ews.EventType.Created) ? '' : `events: ${seen}`;
});
await attempt('streaming', async () => {
  const subscription = await me.SubscribeToStreamingNotifications([calendar], ews.EventType.Created);
  const connection = new ews.StreamingSubscriptionConnection(me, [subscription], 1);
  const heard = new Promise((resolve, reject) => {
    connection.OnNotificationEvent.push((_, args) => resolve(args.Events.map((event) => event.EventType)));
    connection.OnSubscriptionError.push((_, args) => reject(args.Exception ?? new Error('the subscription failed')));
    connection.OnDisconnect.push((_, args) => reject(args.Exception ?? new Error('the stream ended')));
    setTimeout(reject, 20_000, new Error('nothing was heard')).unref();
  });
  connection.Open().catch(() => {});
  const made = await event('Strom');
  const seen = await heard;
  connection.Close();
  await control('DELETE', `mailboxes/${env.EMAIL}/events/${made.id}`);
  return seen.includes(ews.EventType.Created) ? '' : `events: ${seen}`;
}, { Exchange2007_SP1: 'Exchange2010_SP1' });
await attempt('impersonation-denied', async () => ews.CalendarFolder.Bind(service(env.DENIED), calendar).then(() => ''), { every: 'ErrorImpersonateUserDenied' });
await attempt('no-such-mailbox', async () => ews.CalendarFolder.Bind(service('niemand@musterwerk.example'), calendar).then(() => ''), { every: 'ErrorNonExistentMailbox' });
await attempt('wrong-password', async () => ews.CalendarFolder.Bind(service(env.EMAIL, { password: 'falsch' }), calendar).then(() => ''), { every: '401' });
process.exit(failed ? 1 : 0);
