using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mergeflow.Control.Tracing;

namespace Mergeflow.Cli;

/// <summary>
/// <c>mergeflow trace</c>: how one packet of a replay goes through the tables, pass by pass, as <c>ovs-appctl ofproto/trace</c> tells it.
/// The packet runs for real, with the state that the events before it have left.
/// </summary>
internal static class TraceCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        ReplayInputOptions inputs = new();
        OptionalNumberOption<long> index = new("--event") { HelpName = "I", Description = "The packet event with this number." };
        Option<string?> flow = new("--flow") { HelpName = "MATCH", Description = "With --live: a packet with these fields, in ovs-ofctl syntax (in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80). None is sent, and nothing is learned." };
        Option<string[]> next = new("--ct-next") { HelpName = "STATES", Description = "With --flow: what the next ct finds, one after the other; default: trk|new." };
        LiveOption live = new();
        Command command = new("trace", "Replay up to one packet, then explain its way through the tables.");
        inputs.AddTo(command);
        foreach (Option option in new Option[] { index, flow, next, live }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (LiveInvocation.Of(parsed) is { } inside) return LiveTrace.Write(inside, parsed.GetValue(flow) ?? "", parsed.GetValue(next) ?? []);
            if (live.SocketOf(parsed) is string socket)
            {
                inputs.RefuseBeside(parsed, LiveOption.OptionName);
                if (parsed.GetValue(flow) is null) CommandFailedException.ThrowUsage($"{LiveOption.OptionName} needs {flow.Name}");
                return LiveClient.Run(parsed, socket);
            }

            if (parsed.GetValue(flow) is not null) CommandFailedException.ThrowUsage($"{flow.Name} needs {LiveOption.OptionName}");
            if (parsed.GetValue(index) is not long number) throw new CommandFailedException(ExitCode.Usage, $"{index.Name} is required");

            // In software and alone in its batch: every pass of the packet is then visible in the megaflows.
            ReplayArguments arguments = inputs.Resolve(parsed);
            using InputSpool spool = arguments.OpenSpool(interrupted);
            arguments = arguments with { Spool = spool };
            Run(arguments with { Offload = OffloadMode.None, BatchSize = 1 }, number, parsed.InvocationConfiguration.Output, interrupted);

            // Once more with the offload that was asked for: what has become of the packet there.
            if (arguments.Offload == OffloadMode.None) arguments = arguments with { Offload = OffloadMode.Soft };
            MergeVerdictText.Write(arguments with { LogsFates = true, Warn = null, Note = null }, number, parsed.InvocationConfiguration.Output, interrupted);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Run(ReplayArguments arguments, long index, TextWriter output, CancellationToken interrupted)
    {
        using MemoryStream lines = new();
        using ReplaySession session = new(arguments, lines);
        while (session.Read())
        {
            interrupted.ThrowIfCancellationRequested();
            session.Synchronize();
            if (session.Event.Index != index)
            {
                session.Execute();
                continue;
            }
            if (session.Event.Op != ReplayOp.Packet)
                throw new CommandFailedException(ExitCode.Failed, string.Create(CultureInfo.InvariantCulture, $"--event: event {index} is no packet"));
            session.Drain();
            lines.SetLength(0);
            Explain(session, lines, output);
            return;
        }
        throw new CommandFailedException(ExitCode.Failed, string.Create(CultureInfo.InvariantCulture, $"--event: there is no event {index}"));
    }

    private static void Explain(ReplaySession session, MemoryStream lines, TextWriter output)
    {
        Simulator simulator = session.Simulator;
        ReplayEvent packet = session.Event;
        output.WriteLine($"Flow: {FlowText(packet, simulator.Datapath.Options.VlanLimit)}");
        Dictionary<int, (Guid Ufid, ulong Packets)> before = simulator.Datapath.DumpMegaflows(simulator.NowMs)
            .ToDictionary(m => m.Id, m => (m.Ufid, m.Packets));
        session.Execute();
        session.Drain();

        List<MegaflowInfo> visited = [.. simulator.Datapath.DumpMegaflows(simulator.NowMs)
            .Where(m => m.Packets > (before.TryGetValue(m.Id, out (Guid Ufid, ulong Packets) old) && old.Ufid == m.Ufid ? old.Packets : 0))];
        using Translator translator = new(simulator.Pipeline, simulator.Datapath.Recirc);
        using XlateResult result = new() { Steps = [] };
        foreach (MegaflowInfo megaflow in InPassOrder(visited))
        {
            bool isNew = !before.TryGetValue(megaflow.Id, out (Guid Ufid, ulong Packets) old) || old.Ufid != megaflow.Ufid;
            TranslationText.Write(translator, result, megaflow, isNew, simulator.NowMs, output);
        }
        output.WriteLine();
        output.WriteLine($"Outputs: {OutputText(lines)}");
    }

    private static string FlowText(ReplayEvent packet, int vlanLimit)
    {
        using PacketPool pool = new(1, Math.Max(packet.FrameSizeBytes, 64));
        PacketRef reference = pool.RentRef(packet.Frame, packet.Port);
        reference.LimitTags(vlanLimit);
        reference.Extract();
        return FlowKeyFormatter.Format(reference.WholeKey());
    }

    /// <summary>The first pass, then the passes that its recirculations lead to, in the order of the actions.</summary>
    private static List<MegaflowInfo> InPassOrder(List<MegaflowInfo> visited)
    {
        List<MegaflowInfo> ordered = [.. visited.Where(m => m.Key.RecircId.Host == 0)];
        for (int i = 0; i < ordered.Count; i++)
        {
            foreach (DpAction action in ordered[i].Actions)
            {
                if (action.Op == DpOp.Recirc) ordered.AddRange(visited.Where(m => m.Key.RecircId.Host == action.RecircId && !ordered.Contains(m)));
            }
        }
        return ordered;
    }

    private static string OutputText(MemoryStream lines)
    {
        using JsonDocument line = JsonDocument.Parse(lines.ToArray());
        string[] outputs = [.. line.RootElement.GetProperty("out").EnumerateArray()
            .Select(o => string.Create(CultureInfo.InvariantCulture, $"port {o[0].GetUInt32()}, {o[1].GetString()!.Length / 2} bytes"))];
        return outputs.Length == 0 ? "none" : string.Join("; ", outputs);
    }
}
