package smartcalendar

// What only tests call by name.
var ParseImport = parseCSV
