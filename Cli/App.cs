using System.CommandLine;
using System.Runtime.InteropServices;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

public static class App
{
    private static readonly ProgramInfo s_program = new("mergeflow", "mergeflow", CliExamples.ByCommand,
    [
        ("0", "Done; also when packets were dropped."),
        ("1", "Failed: a missing file, an output that cannot be written."),
        ("2", "Input that cannot be parsed; standard error has {\"error\":..,\"line\":N}."),
        ("3", "A feature that is not there, in the same form."),
        ("4", "Nothing in the input is what was asked about."),
        ("64", "Usage: unknown option, wrong value, missing argument."),
        ("129, 130, 131, 143", "Ended by SIGHUP, SIGINT, SIGQUIT, SIGTERM."),
    ]);

    /// <summary>Runs one command.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error, CancellationToken interrupted = default)
        => Run(args, output, error, RuntimeInformation.ProcessArchitecture, interrupted);

    /// <summary>The same on a given processor.</summary>
    public static int Run(string[] args, TextWriter output, TextWriter error, Architecture architecture, CancellationToken interrupted = default)
    {
        if (ProcessorSupport.Refusal(architecture) is string refusal) return Fail(error, ExitCode.MissingFeature, refusal, 0);
        return Run(args, new InvocationConfiguration { Output = output, Error = error }, interrupted);
    }

    /// <summary>The same for a command that may run inside a switch (<see cref="LiveInvocation"/>).</summary>
    internal static int Run(string[] args, InvocationConfiguration configuration, CancellationToken interrupted = default)
    {
        TextWriter error = configuration.Error;
        configuration.EnableDefaultExceptionHandler = false;
        configuration.ProcessTerminationTimeout = null;
        RootCommand root = new("User-space virtual-switch datapath with merged-single-table hardware offload.")
        {
            SwitchCommand.Create(interrupted),
            VswitchdCommand.Create(interrupted),
            ReplayCommand.Create(interrupted),
            ExtractCommand.Create(interrupted),
            DumpFlowsCommand.Create(interrupted),
            DumpGroupsCommand.Create(interrupted),
            DumpMetersCommand.Create(interrupted),
            MeterStatsCommand.Create(interrupted),
            DumpDpFlowsCommand.Create(interrupted),
            DumpConntrackCommand.Create(interrupted),
            PmdPerfShowCommand.Create(interrupted),
            PortsCommand.Create(),
            DumpMacsCommand.Create(),
            DumpProgramCommand.Create(),
            RuleCommands.AddFlows(),
            RuleCommands.DeleteFlows(),
            RuleCommands.AddGroups(),
            RuleCommands.AddMeters(),
            ModPortCommand.Create(),
            FlushConntrackCommand.Create(),
            TopCommand.Create(interrupted),
            TcpdumpCommand.Create(interrupted),
            RecordCommand.Create(interrupted),
            TraceCommand.Create(interrupted),
            OffloadCommand.Create(interrupted),
            WhatIfCommand.Create(interrupted),
            MergeCommand.Create(),
            CompletionCommand.Create(s_program),
            ManCommand.Create(s_program),
        };
        ProgramVersion.PrintedBy(root, s_program.Name);
        ExampleHelp.AddTo(root, s_program);
        try
        {
            ParseResult parsed = root.Parse(VswitchdOptions.WithValues(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0 && parsed.Action is not ExampleHelp)
                CommandFailedException.ThrowUsage(parsed.UnmatchedTokens is [string token, ..] ? $"unrecognized command or argument '{token}'" : parsed.Errors[0].Message);
            if (configuration is LiveInvocation && LiveOption.Of(parsed.CommandResult.Command) is null)
                CommandFailedException.ThrowUsage($"'{parsed.CommandResult.Command.Name}' is not for a switch that runs");
            return MetricsOptions.Run(parsed, error, () => parsed.Invoke(configuration), interrupted);
        }
        catch (CommandFailedException e)
        {
            return Fail(error, e.Code, e.Message, e.Line);
        }
        catch (FlowTextException e)
        {
            return Fail(error, ExitCode.BadInput, e.ToString(), e.Line);
        }
        catch (NicConfigException e)
        {
            return Fail(error, ExitCode.BadInput, e.Message, e.Line);
        }
        catch (OperationCanceledException)
        {
            return Fail(error, ExitCode.Interrupted, "interrupted", 0);
        }
#pragma warning disable CA1031 // the one place that must not let anything through
        catch (Exception e)
        {
            bool isIo = e is IOException or UnauthorizedAccessException;
            return Fail(error, ExitCode.Failed, isIo ? e.Message : $"internal error: {e.GetType().Name}: {e.Message}", 0);
        }
#pragma warning restore CA1031
    }

    private static int Fail(TextWriter error, int code, string message, int line)
    {
        string oneLine = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        error.WriteLine(code is ExitCode.BadInput or ExitCode.MissingFeature
            ? $"{{\"error\":{CliJson.Quote(oneLine)},\"line\":{line}}}"
            : $"mergeflow: {oneLine}{(code == ExitCode.Usage ? " (see mergeflow --help)" : "")}");
        return code;
    }
}
