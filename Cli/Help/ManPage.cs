using System.Text;

namespace Mergeflow.Cli;

/// <summary>A page of the manual (section 1, man macros) for a command, made from what its help says.</summary>
internal static class ManPage
{
    private const int MaxColumns = 78;
    private const int LongWord = 40;

    /// <summary>Name of a command's page: the program's, and the command's behind hyphens.</summary>
    public static string NameOf(ProgramInfo program, CommandNode command)
        => command.Path.Length == 0 ? program.Name : $"{program.Name}-{command.Path.Replace(' ', '-')}";

    /// <summary>The page.</summary>
    public static string Write(ProgramInfo program, CommandNode root, CommandNode command)
    {
        string name = NameOf(program, command);
        StringBuilder text = new();
        // Left-adjusted: options and file names are too long to be spread over a line.
        text.Append($".TH {Escape(name.ToUpperInvariant())} 1 {ProgramVersion.Date} \"{program.Name} {ProgramVersion.Number}\" \"User Commands\"\n.ad l\n");
        text.Append($".SH NAME\n{Escape(name)} \\- {Line(FirstSmall(command.Description.TrimEnd('.')))}\n");
        text.Append($".SH SYNOPSIS\n.B {Escape($"{program.Name} {command.Path}".TrimEnd())}\n");
        if (command.Commands.Count > 0) text.Append(".I command\n");
        foreach (ValueNode argument in command.Arguments) text.Append($"{(argument.IsRequired ? "" : "[")}\\fI{Escape(argument.Name)}\\fP{(argument.IsRequired ? "" : "]")}{(argument.Repeats ? " ..." : "")}\n");
        text.Append("[\\fIoptions\\fP]\n");
        text.Append($".SH DESCRIPTION\n{Line(command.Description)}\n");
        foreach (ValueNode argument in command.Arguments) text.Append($".TP\n.I {Escape(argument.Name)}\n{Line(argument.Description)}\n");
        if (command.Commands.Count > 0)
        {
            text.Append(".SH COMMANDS\n");
            foreach (CommandNode c in command.Commands) text.Append($".TP\n.BR {Escape(NameOf(program, c))} (1)\n{Line(c.Description)}\n");
        }

        text.Append(".SH OPTIONS\n");
        foreach (OptionNode option in command.Options)
        {
            text.Append($".TP\n{string.Join(", ", option.Names.Select(static n => $"\\fB{Escape(n)}\\fP"))}{(option.Value is { } v ? $" \\fI{Escape(v.Name)}\\fP" : "")}\n");
            text.Append($"{Line(option.Description)}\n");
            if (option.Default.Length > 0) text.Append($"Default: {Escape(option.Default)}.\n");
        }

        text.Append(".SH \"EXIT STATUS\"\n");
        foreach ((string code, string meaning) in program.Exits) text.Append($".TP\n.B {Escape(code)}\n{Line(meaning)}\n");
        if (program.Examples.TryGetValue(command.Path, out string[]? examples)) text.Append(".SH EXAMPLES\n").Append(string.Join(".PP\n", examples.Select(e => $".nf\n\\&{Escape(program.Typed(e))}\n.fi\n")));
        CommandNode[] related = [.. Related(root, command)];
        if (related.Length > 0) text.Append($".SH \"SEE ALSO\"\n{string.Join(",\n", related.Select(c => $".BR {Escape(NameOf(program, c))} (1)"))}\n");
        return text.ToString();
    }

    /// <summary>The command above, and those beside.</summary>
    private static IEnumerable<CommandNode> Related(CommandNode root, CommandNode command)
    {
        CommandNode[] above = [.. root.All.Where(c => c.Commands.Contains(command))];
        return above.SelectMany(c => c.Commands.Where(s => s != command).Prepend(c));
    }

    /// <summary>Text in lines of the usual length; none begins as a request does. Long words may be broken behind a comma or a bar.</summary>
    private static string Line(string text)
    {
        StringBuilder lines = new();
        int column = 0;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Breakable))
        {
            if (column > 0) lines.Append(column + 1 + word.Length > MaxColumns ? '\n' : ' ');
            column = column == 0 || column + 1 + word.Length > MaxColumns ? 0 : column + 1;
            if (column == 0 && word[0] is '.' or '\'') lines.Append("\\&");
            lines.Append(word);
            column += word.Length;
        }

        return lines.ToString();
    }

    private static string Breakable(string word)
        => word.Length < LongWord ? Escape(word) : Escape(word).Replace(",", ",\\:", StringComparison.Ordinal).Replace("|", "|\\:", StringComparison.Ordinal);

    private static string Escape(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);

    private static string FirstSmall(string sentence) => sentence.Length > 1 && char.IsUpper(sentence[0]) && char.IsLower(sentence[1]) ? char.ToLowerInvariant(sentence[0]) + sentence[1..] : sentence;
}
