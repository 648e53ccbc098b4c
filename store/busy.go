package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
)

// Busy time is kept as one row a calendar and month (UTC): "2027-02" and the
// packed intervals that touch the month. An interval over the end of a month is
// in both rows.

const monthForm = "2006-01"

// BusyMonth is one such row, unpacked where it is read for answers.
type BusyMonth struct {
	CalendarID string
	Month      string
	Packed     string
}

// Busy gives the intervals of calendars that touch the window, by calendar, each
// in the order of its start, then key.
func (s *Store) Busy(ctx context.Context, tx *db.Tx, calendarIDs []string, window kalends.Window) (map[string][]kalends.Interval, error) {
	if window.End.UTC().Year() > 9999 { // its month would sort before all others
		window.End = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	args := append([]any{window.Start.UTC().Format(monthForm), window.End.UTC().Format(monthForm)}, db.Args(calendarIDs)...)
	rows, err := db.All(ctx, tx, scanBusyMonth, `SELECT calendar_id, month, packed FROM busy_months
		WHERE month >= $1 AND month <= $2 AND calendar_id IN (`+db.List(len(calendarIDs), 3)+`) ORDER BY calendar_id, month`, args...)
	if err != nil {
		return nil, err
	}
	busy := make(map[string][]kalends.Interval, len(calendarIDs))
	for _, row := range rows {
		intervals, err := UnpackBusy(row.Packed)
		if err != nil {
			return nil, fmt.Errorf("store: busy month %s of %s: %w", row.Month, row.CalendarID, err)
		}
		for _, i := range intervals {
			if window.Overlaps(i.Start, i.End) && firstSeen(i, row.Month, window) {
				busy[row.CalendarID] = append(busy[row.CalendarID], i)
			}
		}
	}
	for _, intervals := range busy {
		slices.SortFunc(intervals, compareIntervals)
	}
	return busy, nil
}

// firstSeen tells whether the month is the first of those read that holds the interval.
func firstSeen(i kalends.Interval, month string, window kalends.Window) bool {
	first := i.Start
	if window.Start.After(first) {
		first = window.Start
	}
	return first.UTC().Format(monthForm) == month
}

func compareIntervals(a, b kalends.Interval) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	return strings.Compare(a.Key, b.Key)
}

func scanBusyMonth(row db.Row) (BusyMonth, error) {
	var m BusyMonth
	err := row.Scan(&m.CalendarID, &m.Month, &m.Packed)
	return m, err
}

// AllBusy gives everything that is stored of one calendar.
func (s *Store) AllBusy(ctx context.Context, tx *db.Tx, calendarID string) ([]kalends.Interval, error) {
	busy, err := s.Busy(ctx, tx, []string{calendarID}, kalends.Window{Start: time.Unix(0, 0), End: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	return busy[calendarID], err
}

// ReplaceBusy makes the intervals all that is stored of a calendar. Months that
// do not change are not written.
func (s *Store) ReplaceBusy(ctx context.Context, tx *db.Tx, calendarID string, intervals []kalends.Interval) error {
	rows, err := db.All(ctx, tx, scanBusyMonth, `SELECT calendar_id, month, packed FROM busy_months WHERE calendar_id = $1`, calendarID)
	if err != nil {
		return err
	}
	want := PackMonths(intervals)
	for _, row := range rows {
		switch packed, ok := want[row.Month]; {
		case !ok:
			_, err = tx.Exec(ctx, `DELETE FROM busy_months WHERE calendar_id = $1 AND month = $2`, calendarID, row.Month)
		case packed == row.Packed:
			delete(want, row.Month)
		}
		if err != nil {
			return err
		}
	}
	return s.putMonths(ctx, tx, calendarID, want)
}

// putMonths writes months in one statement.
func (s *Store) putMonths(ctx context.Context, tx *db.Tx, calendarID string, months map[string]string) error {
	if len(months) == 0 {
		return nil
	}
	var values []string
	args := []any{calendarID}
	for month, packed := range months {
		values = append(values, fmt.Sprintf("($1, $%d, $%d)", len(args)+1, len(args)+2))
		args = append(args, month, packed)
	}
	_, err := tx.Exec(ctx, `INSERT INTO busy_months (calendar_id, month, packed) VALUES `+strings.Join(values, ", ")+`
		ON CONFLICT (calendar_id, month) DO UPDATE SET packed = excluded.packed`, args...)
	return err
}

// PackMonths sorts intervals into the months they touch, packed.
func PackMonths(intervals []kalends.Interval) map[string]string {
	months := map[string][]kalends.Interval{}
	for _, i := range intervals {
		first, last := i.Start.UTC(), i.End.Add(-1).UTC()
		if last.Before(first) { // one that takes no time is in the month of its start
			last = first
		}
		for at := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC); !at.After(last); at = at.AddDate(0, 1, 0) {
			month := at.Format(monthForm)
			months[month] = append(months[month], i)
		}
	}
	packed := make(map[string]string, len(months))
	for month, intervals := range months {
		slices.SortFunc(intervals, compareIntervals)
		packed[month] = PackBusy(intervals)
	}
	return packed
}

// The packed form: a version byte, then for each interval the seconds since the
// start before it and its length (varints), a byte of status and all-day, and
// the key with its length.
const packVersion = 1

var packStatuses = []kalends.FreeBusyStatus{kalends.StatusUnknown, kalends.StatusBusy, kalends.StatusTentative, kalends.StatusFree}

// PackBusy packs intervals; their times are kept to the second, ends rounded up.
func PackBusy(intervals []kalends.Interval) string {
	packed := []byte{packVersion}
	var last int64
	for _, i := range intervals {
		start, end := i.Start.Unix(), i.End.Add(time.Second-1).Unix()
		packed = binary.AppendVarint(packed, start-last)
		packed = binary.AppendUvarint(packed, uint64(max(end-start, 0)))
		flags := byte(max(slices.Index(packStatuses, i.Status), 0)) << 1
		if i.AllDay {
			flags |= 1
		}
		packed = append(packed, flags)
		packed = binary.AppendUvarint(packed, uint64(len(i.Key)))
		packed = append(packed, i.Key...)
		last = start
	}
	return base64.RawStdEncoding.EncodeToString(packed)
}

var errPacked = errors.New("packed intervals are damaged")

// UnpackBusy is the reverse of PackBusy.
func UnpackBusy(text string) ([]kalends.Interval, error) {
	packed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(packed) == 0 || packed[0] != packVersion {
		return nil, errPacked
	}
	r := bytes.NewReader(packed[1:])
	var intervals []kalends.Interval
	var last int64
	for r.Len() > 0 {
		i, start, err := unpackOne(r, last)
		if err != nil {
			return nil, err
		}
		intervals, last = append(intervals, i), start
	}
	return intervals, nil
}

func unpackOne(r *bytes.Reader, last int64) (i kalends.Interval, start int64, err error) {
	delta, err1 := binary.ReadVarint(r)
	length, err2 := binary.ReadUvarint(r)
	flags, err3 := r.ReadByte()
	size, err4 := binary.ReadUvarint(r)
	if errors.Join(err1, err2, err3, err4) != nil || int(flags>>1) >= len(packStatuses) || size > uint64(r.Len()) {
		return i, 0, errPacked
	}
	key := make([]byte, size)
	if _, err := r.Read(key); err != nil && size > 0 {
		return i, 0, errPacked
	}
	start = last + delta
	return kalends.Interval{
		Start: time.Unix(start, 0).UTC(), End: time.Unix(start+int64(length), 0).UTC(),
		Status: packStatuses[flags>>1], AllDay: flags&1 == 1, Key: string(key),
	}, start, nil
}
