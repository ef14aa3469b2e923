using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload audit</c>: what hardware counted against what was booked, again and again during a replay.</summary>
internal static class OffloadAuditCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        ReplayInputOptions inputs = new();
        NumberOption<int> every = new("--every") { HelpName = "N", Description = "Audit after each N events, after each change of tables, ports and connections, and at the end.", DefaultValueFactory = _ => 100 };
        OptionalNumberOption<long> until = new("--until") { HelpName = "I", Description = "Stop after the event with this number; default: all events." };
        Option<bool> json = new("--json") { Description = "One JSON object per line, for programs." };
        Command command = new("audit", "Replay and prove that every packet that hardware counted was booked once: exit code 1 if anything drifts.");
        inputs.AddTo(command);
        command.Options.Add(every);
        command.Options.Add(until);
        command.Options.Add(json);
        LiveOption live = new();
        command.Options.Add(live);
        command.SetAction(parsed =>
        {
            if (LiveInvocation.Of(parsed) is { } inside) return LedgerText.Write(inside.Output, inside.Switch.Live.Ledger(), parsed.GetValue(json));
            if (live.SocketOf(parsed) is string socket)
            {
                inputs.RefuseBeside(parsed, LiveOption.OptionName);
                return LiveClient.Run(parsed, socket);
            }

            int period = parsed.GetValue(every);
            if (period < 1) CommandFailedException.ThrowUsage("--every: expected at least 1");
            using ReplaySession session = new(inputs.Resolve(parsed), Stream.Null);
            if (session.Simulator.Datapath.Offload is null) CommandFailedException.ThrowUsage("this command needs --offload soft or --offload nic");
            return Run(session, period, parsed.GetValue(until), parsed.GetValue(json), parsed.InvocationConfiguration.Output, interrupted);
        });
        return command;
    }

    private static int Run(ReplaySession session, int period, long? until, bool isJson, TextWriter output, CancellationToken interrupted)
    {
        long audits = 0, drifting = 0, events = 0;
        bool found = false;
        while (!found && session.Step())
        {
            interrupted.ThrowIfCancellationRequested();
            found = session.Event.Index == until;
            if (++events % period != 0 && session.Event.Op is ReplayOp.Packet or ReplayOp.Tick && !found) continue;
            audits++;
            OffloadAudit audit = session.Simulator.Audit();
            if (audit.IsBalanced) continue;
            drifting++;
            Report(output, session.Event.Index, audit);
        }

        if (!found && until is long index) throw new CommandFailedException(ExitCode.Failed, $"--until: there is no event {index}");
        session.Finish();
        OffloadAudit last = session.Simulator.Audit(pushed: true);
        audits++;
        if (!last.IsBalanced) drifting++;
        if (isJson) WriteJson(output, last, audits, drifting);
        else Write(output, last, audits, drifting);
        return drifting == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Report(TextWriter output, long eventIndex, OffloadAudit audit)
    {
        foreach (OffloadAuditLine l in audit.Lines.Where(l => !l.IsBalanced))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"after event {eventIndex}: {l.Book}: drift of {l.DriftPackets} packets, {l.DriftBytes} bytes"));
        }

        if (audit.StaleRules > 0) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"after event {eventIndex}: {audit.StaleRules} rules depend on what has moved"));
    }

    private static void Write(TextWriter output, OffloadAudit audit, long audits, long drifting)
    {
        TextTable table = new(1, "book", "counted packets", "counted bytes", "booked packets", "booked bytes", "drift packets", "drift bytes");
        foreach (OffloadAuditLine l in audit.Lines)
        {
            table.AddRow(l.Book, Number(l.Counted.Packets), Number(l.Counted.Bytes), Number(l.Booked.Packets), Number(l.Booked.Bytes), Signed(l.DriftPackets), Signed(l.DriftBytes));
        }

        table.Write(output);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{audits} audits, {drifting} with drift; {audit.LiveRules} rules live, {audit.StaleRules} stale"));
    }

    private static void WriteJson(TextWriter output, OffloadAudit audit, long audits, long drifting)
    {
        ShowContext.WriteJson(output, json =>
        {
            json.WriteNumber("audits", audits);
            json.WriteNumber("drifting", drifting);
            json.WriteNumber("live_rules", audit.LiveRules);
            json.WriteNumber("stale_rules", audit.StaleRules);
            json.WriteStartArray("books");
            foreach (OffloadAuditLine l in audit.Lines)
            {
                json.WriteStartObject();
                json.WriteString("book", l.Book);
                json.WriteNumber("counted_packets", l.Counted.Packets);
                json.WriteNumber("counted_bytes", l.Counted.Bytes);
                json.WriteNumber("booked_packets", l.Booked.Packets);
                json.WriteNumber("booked_bytes", l.Booked.Bytes);
                json.WriteNumber("drift_packets", l.DriftPackets);
                json.WriteNumber("drift_bytes", l.DriftBytes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary>Corrections may be negative.</summary>
    private static string Number(ulong value) => Signed((long)value);

    private static string Signed(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
