// ews-javascript-api, the port of Microsoft's EWS Managed API, against the sandbox's Exchange.
// Environment: VERSION, EWS_URL, EWS_USER, EWS_PASSWORD, EMAIL, ROOM, DENIED; NODE_EXTRA_CA_CERTS is the sandbox's CA.
// Prints one line a case: ok|FAIL ews-javascript-api VERSION/CASE.
import assert from "node:assert";
import dns from "node:dns";
import ews from "ews-javascript-api";

const env = process.env;
const lookup = dns.lookup;
dns.lookup = (host, options, done) => { // the simulated company's names are not in DNS
  if (!host.endsWith(".example")) return lookup(host, options, done);
  if (typeof options === "function") return options(null, "127.0.0.1", 4);
  return options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
};

const schemas = { Exchange2007_SP1: "Exchange2007_SP1", Exchange2010_SP1: "Exchange2010_SP1", Exchange2010_SP2: "Exchange2010_SP2" };
const old = env.VERSION === "Exchange2007_SP1";

function service(who) {
  const s = new ews.ExchangeService(ews.ExchangeVersion[schemas[env.VERSION] ?? "Exchange2013_SP1"]);
  s.Credentials = new ews.WebCredentials(env.EWS_USER, env.EWS_PASSWORD);
  s.Url = new ews.Uri(env.EWS_URL);
  s.ImpersonatedUserId = new ews.ImpersonatedUserId(old ? ews.ConnectingIdType.PrincipalName : ews.ConnectingIdType.SmtpAddress, who);
  return s;
}

let failed = false;
async function test(name, act) {
  try {
    await act();
    console.log(`ok ews-javascript-api ${env.VERSION}/${name}`);
  } catch (e) {
    failed = true;
    console.log(`FAIL ews-javascript-api ${env.VERSION}/${name}`, String(e.message ?? e).slice(0, 300), e.ErrorCode ?? "");
  }
}

const s = service(env.EMAIL);
const start = ews.DateTime.Now.Date.AddDays(400).AddHours(9);
const { SendToNone } = ews.SendInvitationsMode;
const quiet = ews.SendInvitationsOrCancellationsMode.SendToNone;
const calendar = () => new ews.FolderId(ews.WellKnownFolderName.Calendar);

async function save(subject, fill = () => {}, how = SendToNone) {
  const a = new ews.Appointment(service(env.EMAIL));
  [a.Subject, a.Start, a.End] = [subject, start, start.AddHours(1)];
  fill(a);
  await a.Save(how);
  return a;
}

await test("calendar_view", async () => {
  const found = await s.FindAppointments(ews.WellKnownFolderName.Calendar, new ews.CalendarView(ews.DateTime.Now, ews.DateTime.Now.AddDays(14)));
  assert(found.Items.length > 10 && !found.MoreAvailable);
});

await test("sync", async () => {
  let state = null, count = 0, page;
  do {
    page = await s.SyncFolderItems(calendar(), ews.PropertySet.IdOnly, null, 30, ews.SyncFolderItemsScope.NormalItems, state);
    [state, count] = [page.SyncState, count + page.Count];
  } while (page.MoreChangesAvailable);
  assert(count > 60, String(count));
  page = await s.SyncFolderItems(calendar(), ews.PropertySet.IdOnly, null, 30, ews.SyncFolderItemsScope.NormalItems, state);
  assert.equal(page.Count, 0);
});

await test("resolve_names", async () => assert.equal((await s.ResolveName("smtp:" + env.EMAIL)).Count, 1));

await test("impersonation_denied", () => assert.rejects(() => service(env.DENIED).FindAppointments(
  ews.WellKnownFolderName.Calendar, new ews.CalendarView(ews.DateTime.Now, ews.DateTime.Now.AddDays(1))), /permission to impersonate/));

if (old) {
  // It cannot write events for 2007 (it insists on a zone that 2007 lacks), and leaves out a zone that 2007 demands.
  await test("free_busy_without_zone_is_refused", () => assert.rejects(freeBusy, /ErrorSchemaValidation/));
} else {
  await test("free_busy", freeBusy);
  await writes();
  await tells();
}

async function freeBusy() {
  const now = ews.DateTime.Now.Date;
  const found = await s.GetUserAvailability([new ews.AttendeeInfo(env.EMAIL)], new ews.TimeWindow(now, now.AddDays(7)), ews.AvailabilityData.FreeBusy);
  assert(found.AttendeesAvailability.Responses[0].CalendarEvents.length > 3);
}

async function writes() {
  let a;
  await test("meeting", async () => {
    a = await save("Gespräch", (a) => {
      a.RequiredAttendees.Add("admin@musterwerk.example");
      a.Resources.Add(env.ROOM);
    }, ews.SendInvitationsMode.SendToAllAndSaveCopy);
    const seen = await ews.Appointment.Bind(s, a.Id);
    assert.equal(seen.Subject + seen.RequiredAttendees.Count + seen.Resources.Count, "Gespräch11");
  });
  await test("update", async () => {
    a.Location = "Werk 2";
    await a.Update(ews.ConflictResolutionMode.AlwaysOverwrite, quiet);
    assert.equal((await ews.Appointment.Bind(s, a.Id)).Location, "Werk 2");
  });
  await test("recurrence", async () => {
    const series = await save("Serie", (a) => {
      a.Recurrence = new ews.Recurrence.DailyPattern(start.Date, 2);
      a.Recurrence.NumberOfOccurrences = 4;
    });
    const second = await ews.Appointment.BindToOccurrence(s, series.Id, 2);
    second.Subject = "zweite";
    await second.Update(ews.ConflictResolutionMode.AlwaysOverwrite, quiet);
    const master = await ews.Appointment.BindToRecurringMaster(s, second.Id, new ews.PropertySet(ews.BasePropertySet.FirstClassProperties));
    assert.equal(master.ModifiedOccurrences.Count, 1);
  });
  await test("delete", async () => {
    await a.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToAllAndSaveCopy);
    await assert.rejects(() => ews.Appointment.Bind(s, a.Id), (e) => e.ErrorCode === ews.ServiceError.ErrorItemNotFound);
  });
  await test("room_lists", async () => assert.equal((await s.GetRoomLists()).Items.length, 2));
}

async function tells() {
  await test("pull", async () => {
    const pull = await s.SubscribeToPullNotifications([calendar()], 30, null, ews.EventType.Created);
    await save("Abruf");
    assert.equal((await pull.GetEvents()).AllEvents.length, 1);
    await pull.Unsubscribe();
  });
  await test("streaming", async () => {
    const connection = new ews.StreamingSubscriptionConnection(s, 1);
    connection.AddSubscription(await s.SubscribeToStreamingNotifications([calendar()], ews.EventType.Created));
    const told = new Promise((done, fail) => {
      connection.OnNotificationEvent.push((_, e) => done(e.Events.length));
      connection.OnSubscriptionError.push((_, e) => fail(e.Exception));
      connection.OnDisconnect.push((_, e) => fail(e.Exception ?? new Error("it ended")));
    });
    connection.Open();
    await save("Strom"); // subscribed before: told even if the stream opens later
    assert((await told) >= 1);
  });
}

process.exit(failed ? 1 : 0);
