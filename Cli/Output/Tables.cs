using Spectre.Console;

namespace Mergeflow.Cli;

/// <summary>Tables for people: first column to the left, numbers to the right, plain characters when the output is no terminal.</summary>
internal static class Tables
{
    /// <summary>Wide enough that nothing wraps in a file or a pipe.</summary>
    private const int FileWidthColumns = 200;

    public static Table Create(params string[] headers)
    {
        Table table = new() { Border = TableBorder.Simple };
        for (int i = 0; i < headers.Length; i++)
        {
            TableColumn column = new(Markup.Escape(headers[i])) { NoWrap = true };
            table.AddColumn(i == 0 ? column : column.RightAligned());
        }
        return table;
    }

    public static void Write(Table table, TextWriter output)
    {
        bool isTerminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No });
        if (!isTerminal)
        {
            table.Border = TableBorder.Ascii;
            console.Profile.Width = FileWidthColumns;
        }
        console.Write(table);
    }
}
