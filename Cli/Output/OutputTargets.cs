using System.CommandLine;
using System.CommandLine.Parsing;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The files that a command is going to write, checked before it does anything: each can be written, none is an input, none is another one of them.</summary>
public static class OutputTargets
{
    private static readonly string[] s_caseFiles = ["case.json", "flows.txt", "groups.txt", "meters.txt", "events.jsonl", "events.jsonl.gz"];

    /// <summary>Checks the values of output options against each other and against every file that the rest of the command line names.</summary>
    /// <inheritdoc cref="Check(IReadOnlyList{ValueTuple{string, string}}, IEnumerable{ValueTuple{string, string}})"/>
    public static void Check(ParseResult parsed, params Option<string>[] outputs) => Check(
        [.. outputs.Where(o => parsed.GetValue(o) is not null).Select(o => (o.Name, parsed.GetValue(o)!))],
        parsed.CommandResult.Children.Where(c => c is not OptionResult o || !outputs.Contains(o.Option)).SelectMany(Inputs));

    /// <summary>The same for an output option and files that follow from others. Their folder need not be there.</summary>
    public static void Check(ParseResult parsed, Option<string> output, IReadOnlyList<(string Option, string Path)> others)
    {
        (string, string)[] all = [(output.Name, parsed.GetRequiredValue(output)), .. others.Where(static o => Directory.Exists(System.IO.Path.GetDirectoryName(o.Path)))];
        Check(all, parsed.CommandResult.Children.Where(c => c is not OptionResult o || o.Option != output).SelectMany(Inputs));
    }

    /// <summary>Checks them all.</summary>
    /// <param name="outputs">Option and value.</param>
    /// <param name="inputs">What is read: option and file. Files that are not there do not matter.</param>
    /// <exception cref="CommandFailedException">A name is empty, or a file has two roles.</exception>
    /// <exception cref="IOException">An output cannot be written.</exception>
    public static void Check(IReadOnlyList<(string Option, string Path)> outputs, IEnumerable<(string Option, string Path)> inputs)
    {
        (string Option, string Path)[] read = [.. inputs.Where(i => File.Exists(i.Path))];
        for (int i = 0; i < outputs.Count; i++)
        {
            (string option, string path) = outputs[i];
            if (path.Length == 0) CommandFailedException.ThrowUsage($"{option}: expected the name of a file");

            // What is no plain file is not replaced; it may well be read and written.
            if (path == "-" || FileKind.Descriptor(path) is not null || FileKind.IsSpecial(path)) continue;
            foreach ((string other, string name) in read.Concat(outputs.Take(i)))
            {
                if (name != "-" && name.Length > 0 && FileKind.AreSame(path, name)) CommandFailedException.ThrowUsage($"{option} and {other} are the same file, {path}");
            }
        }

        foreach ((string option, string path) in outputs)
        {
            // Said by the option, so that one knows which of them.
            try
            {
                OutputFile.Check(path);
            }
            catch (IOException e)
            {
                throw new IOException($"{option}: {e.Message}");
            }
        }
    }

    /// <summary>Files among the words of an option or argument: as they stand, behind <c>PORT:</c>, or those of a case directory.</summary>
    private static IEnumerable<(string Option, string Path)> Inputs(SymbolResult result)
    {
        string name = result is OptionResult option ? option.Option.Name : ((ArgumentResult)result).Argument.Name;
        foreach (string word in result.Tokens.Select(static t => t.Value))
        {
            yield return (name, word);
            if (word.Contains(':', StringComparison.Ordinal)) yield return (name, word[(word.IndexOf(':', StringComparison.Ordinal) + 1)..]);
            if (!Directory.Exists(word)) continue;
            foreach (string file in s_caseFiles) yield return (name, System.IO.Path.Combine(word, file));
        }
    }
}
