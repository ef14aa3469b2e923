using System.CommandLine;
using System.Runtime.InteropServices;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>The program: picks the command, and turns every failure into one line and an exit code.</summary>
public static class PerfApp
{
    private static readonly ProgramInfo s_program = new("run-perf.sh", "./run-perf.sh", PerfExamples.ByCommand,
    [
        ("0", "Done; with a baseline: the same or better."),
        ("1", "Failed, or slower than the baseline, or the offload modes disagree."),
        ("2", "With a baseline: too much noise to tell."),
        ("3", "The rules need a feature that is not there."),
        ("64", "Usage: unknown option or name, wrong value."),
        ("65", "Input that cannot be understood."),
        ("129, 130, 131, 143", "Ended by SIGHUP, SIGINT, SIGQUIT, SIGTERM."),
    ]);

    /// <summary>Runs one command.</summary>
    /// <returns>One of <see cref="PerfExitCode"/>.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error, CancellationToken interrupted = default)
        => Run(args, output, error, RuntimeInformation.ProcessArchitecture, interrupted);

    /// <summary>The same on a given processor.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error, Architecture architecture, CancellationToken interrupted = default)
    {
        if (ProcessorSupport.Refusal(architecture) is string refusal) return Fail(error, PerfExitCode.MissingFeature, refusal);
        RootCommand root = RunCommand.Create(args, output, interrupted);
        root.Subcommands.Add(CompareCommand.Create(output));
        root.Subcommands.Add(ObPeerCommand.Create(output, interrupted));
        foreach (Command study in StudyCommands.Create(args, output, interrupted)) root.Subcommands.Add(study);
        root.Subcommands.Add(MicroCommand.Create(output, interrupted));
        root.Subcommands.Add(HitShareCommand.Create(output, interrupted));
        root.Subcommands.Add(OffloadLatencyCommand.Create(output, interrupted));
        root.Subcommands.Add(PausesCommand.Create(output, interrupted));
        root.Subcommands.Add(WakeCommand.Create(output, interrupted));
        root.Subcommands.Add(KernelCommand.Create(output, interrupted));
        root.Subcommands.Add(LinesCommand.Create(output, interrupted));
        root.Subcommands.Add(ControlCommand.Create(output, interrupted));
        foreach (Command command in ReportCommands.Create(output)) root.Subcommands.Add(command);
        root.Subcommands.Add(CompletionCommand.Create(s_program));
        root.Subcommands.Add(ManCommand.Create(s_program));
        ProgramVersion.PrintedBy(root, "run-perf");
        ExampleHelp.AddTo(root, s_program);
        try
        {
            ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0 && parsed.Action is not ExampleHelp)
                throw PerfException.Usage(parsed.UnmatchedTokens is [string token, ..] ? $"unrecognized command or argument '{token}'" : parsed.Errors[0].Message);
            bool isHelp = parsed.Action is ExampleHelp;
            using var help = new StringWriter();
            int code = parsed.Invoke(new InvocationConfiguration
            {
                Output = isHelp ? help : output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });

            // People start the script, not the program behind it.
            if (isHelp) output.Write(help.ToString().Replace($"  {RootCommand.ExecutableName}", "  ./run-perf.sh", StringComparison.Ordinal));
            return code;
        }
        catch (PerfException e)
        {
            return Fail(error, e.ExitCode, e.Message);
        }
        catch (CommandFailedException e)
        {
            return Fail(error, PerfExitCode.Of(e.Code), e.Message);
        }
        catch (OperationCanceledException)
        {
            return Fail(error, PerfExitCode.Interrupted, "interrupted, nothing written");
        }
#pragma warning disable CA1031 // the one place that must not let anything through
        catch (Exception e)
        {
            bool isIo = e is IOException or UnauthorizedAccessException;
            return Fail(error, PerfExitCode.Failed, isIo ? e.Message : $"internal error: {e.GetType().Name}: {e.Message}");
        }
#pragma warning restore CA1031
    }

    private static int Fail(TextWriter error, int code, string message)
    {
        string oneLine = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        error.WriteLine($"run-perf: {oneLine}{(code == PerfExitCode.Usage && !oneLine.EndsWith(')') ? " (see ./run-perf.sh --help)" : "")}");
        return code;
    }
}
