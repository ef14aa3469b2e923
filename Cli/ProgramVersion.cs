using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Mergeflow.Cli;

/// <summary>The version of the programs: one number for the whole tree (<c>Directory.Build.props</c>) and the commit that was built.</summary>
public static class ProgramVersion
{
    private const int CommitDigits = 12;

    /// <summary>Version number, e.g. <c>1.2.3</c>.</summary>
    public static string Number { get; }

    /// <summary>First digits of the commit; null where the source was in no checkout when it was built.</summary>
    public static string? Commit { get; }

    /// <summary>Day of the version, as the changelog has it: <c>2026-01-31</c>.</summary>
    public static string Date { get; } = typeof(ProgramVersion).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static m => m.Key == "ReleaseDate").Value!;

    static ProgramVersion()
    {
        string text = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        Number = plus < 0 ? text : text[..plus];
        Commit = plus < 0 ? null : text[(plus + 1)..][..Math.Min(CommitDigits, text.Length - plus - 1)];
    }

    /// <summary>The line that <c>--version</c> prints.</summary>
    public static string LineOf(string program) => $"{program} {Number}{(Commit is null ? "" : $" (commit {Commit})")}";

    /// <summary>Lets the program's <c>--version</c> print <see cref="LineOf"/>.</summary>
    public static void PrintedBy(RootCommand root, string program)
    {
        foreach (Option option in root.Options)
        {
            if (option is VersionOption version) version.Action = new PrintVersion(LineOf(program));
        }
    }

    private sealed class PrintVersion(string line) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(line);
            return ExitCode.Ok;
        }
    }
}
