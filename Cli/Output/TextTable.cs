using Spectre.Console;

namespace Mergeflow.Cli;

/// <summary>
/// A table for people whose cells are never broken: where it is too wide for its place it is printed as several tables, each with the key columns in front, and
/// where not even that fits, as one block of lines per row. Keys stand to the left, the other columns to the right; plain characters where there is no terminal.
/// </summary>
public sealed class TextTable
{
    /// <summary>Wide enough that nothing is split in a file or a pipe.</summary>
    public const int FileWidthColumns = 280;

    /// <summary>Border and padding of Spectre's tables per column, and once per table.</summary>
    private const int ColumnOverhead = 3;
    private const int TableOverhead = 1;

    private readonly string[] _headers;
    private readonly int _keys;
    private readonly List<string[]> _rows = [];

    /// <param name="keys">The first so many columns say what the row is.</param>
    /// <param name="headers">Of all columns.</param>
    public TextTable(int keys, params string[] headers) => (_keys, _headers) = (keys, headers);

    /// <summary>Stands above it; null = nothing.</summary>
    public string? Title { get; init; }

    /// <summary>Columns behind the keys that are text, by their headers.</summary>
    public IReadOnlyCollection<string> TextHeaders { get; init; } = [];

    /// <summary>Rows so far.</summary>
    public int RowCount => _rows.Count;

    /// <summary>Adds a row with a cell per column.</summary>
    public void AddRow(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, _headers.Length);
        _rows.Add(cells);
    }

    /// <summary>A console on a writer: a terminal if it is the program's own output on one, else a wide page without colours.</summary>
    public static IAnsiConsole ConsoleOn(TextWriter output)
    {
        bool isTerminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Interactive = isTerminal ? InteractionSupport.Yes : InteractionSupport.No,
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
        });
        if (isTerminal) return console;
        console.Profile.Width = FileWidthColumns;
        console.Profile.Capabilities.Unicode = false;
        return console;
    }

    /// <summary>Prints it.</summary>
    public void Write(TextWriter output) => Write(ConsoleOn(output));

    /// <summary>Prints it, as wide as the console is.</summary>
    public void Write(IAnsiConsole console)
    {
        int width = console.Profile.Width;
        int[] widths = [.. _headers.Select((h, i) => _rows.Select(r => r[i].GetCellWidth()).Append(h.GetCellWidth()).Max())];
        int keyWidth = TableOverhead + widths.Take(_keys).Sum(static w => w + ColumnOverhead);
        int[] others = [.. Enumerable.Range(_keys, _headers.Length - _keys)];
        if (keyWidth > width || others.Any(i => keyWidth + widths[i] + ColumnOverhead > width))
        {
            WriteBlocks(console);
            return;
        }

        List<int> part = [];
        int used = keyWidth;
        string? title = Title;
        foreach (int i in others)
        {
            if (used + widths[i] + ColumnOverhead > width)
            {
                WritePart(console, title, part);
                (part, used, title) = ([], keyWidth, null);
            }

            part.Add(i);
            used += widths[i] + ColumnOverhead;
        }

        WritePart(console, title, part);
    }

    private void WritePart(IAnsiConsole console, string? title, List<int> columns)
    {
        Table table = new() { Border = console.Profile.Capabilities.Unicode ? TableBorder.Simple : TableBorder.Ascii };
        if (title is not null && title.GetCellWidth() <= console.Profile.Width) table.Title = new TableTitle(Markup.Escape(title));
        else if (title is not null) console.Profile.Out.Writer.WriteLine(title);
        int[] all = [.. Enumerable.Range(0, _keys), .. columns];
        foreach (int i in all)
        {
            TableColumn column = new(Markup.Escape(_headers[i])) { NoWrap = true };
            table.AddColumn(i < _keys || TextHeaders.Contains(_headers[i]) ? column : column.RightAligned());
        }

        foreach (string[] row in _rows) table.AddRow([.. all.Select(i => Markup.Escape(row[i]))]);

        // A title that is wider than the columns would be wrapped at their width.
        if (table.Title is { } t && t.Text.GetCellWidth() > TableOverhead + all.Sum(i => _rows.Select(r => r[i].GetCellWidth()).Append(_headers[i].GetCellWidth()).Max() + ColumnOverhead))
        {
            console.Profile.Out.Writer.WriteLine(title);
            table.Title = null;
        }

        console.Write(table);
    }

    private void WriteBlocks(IAnsiConsole console)
    {
        TextWriter output = console.Profile.Out.Writer;
        if (Title is not null) output.WriteLine(Title);
        int name = _headers.Skip(_keys).Select(static h => h.GetCellWidth()).Append(0).Max();
        foreach (string[] row in _rows)
        {
            output.WriteLine(string.Join(' ', row.Take(_keys)));
            for (int i = _keys; i < row.Length; i++) output.WriteLine($"  {_headers[i].PadRight(name)}  {row[i]}");
        }
    }
}
