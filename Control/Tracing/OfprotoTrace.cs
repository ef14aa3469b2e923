using System.Globalization;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Native;

namespace Mergeflow.Control.Tracing;

/// <summary><c>ofproto/trace</c> and <c>ofproto/trace-packet-out</c>: whose packet is meant, and what it looks like.</summary>
public static class OfprotoTrace
{
    /// <summary>Tells the way of a packet through the tables.</summary>
    /// <param name="bridges">Those that there are.</param>
    /// <param name="words">Arguments as they were given.</param>
    /// <param name="nowMs">Time.</param>
    /// <exception cref="UnixctlException">The words are no request, in the words of Open vSwitch.</exception>
    public static string Write(IReadOnlyList<TraceBridge> bridges, IReadOnlyList<string> words, long nowMs)
    {
        TraceArguments arguments = TraceArguments.Parse(words, withActions: false);
        return TracePasses.Write(RequestOf(bridges, arguments) with { NowMs = nowMs });
    }

    /// <summary>The same with a list of actions in the place of the tables: the last word.</summary>
    /// <param name="bridges">Those that there are.</param>
    /// <param name="words">Arguments as they were given.</param>
    /// <param name="nowMs">Time.</param>
    /// <exception cref="UnixctlException">The words are no request, in the words of Open vSwitch.</exception>
    public static string WritePacketOut(IReadOnlyList<TraceBridge> bridges, IReadOnlyList<string> words, long nowMs)
    {
        EquatableList<OfAction> actions = ActionsOf(words[^1]);
        TraceArguments arguments = TraceArguments.Parse(words.Take(words.Count - 1), withActions: true);
        TraceRequest request = RequestOf(bridges, arguments) with { NowMs = nowMs };
        try
        {
            request.Bridge.Bridge.CheckPacketOut(request.Flow, actions, isOf10: !arguments.IsConsistent);
            return TracePasses.Write(request with { Actions = actions });
        }
        catch (FlowModException e)
        {
            throw new UnixctlException($"Bad actions: {e.Error}");
        }
    }

    /// <summary>They are read before the packet, and are no instructions (OVS <c>ofpacts_parse_actions</c>).</summary>
    private static EquatableList<OfAction> ActionsOf(string text)
    {
        EquatableList<OfAction> actions;
        try
        {
            actions = new FlowTextParser { TakesLayers = true }.ParseActions(text);
        }
        catch (FlowTextException e)
        {
            throw new UnixctlException(e.Message);
        }

        foreach (OfAction action in actions)
        {
            string? instruction = action switch { OfWriteActions => "write_actions", OfClearActions => "clear_actions", OfGotoTable => "goto_table", _ => null };
            if (instruction is not null) throw new UnixctlException($"{instruction} instruction not allowed here");
        }

        return actions;
    }

    private static TraceRequest RequestOf(IReadOnlyList<TraceBridge> bridges, TraceArguments arguments)
    {
        byte[]? frame = arguments.TakeFrame();
        if (arguments.Words.Count is not (1 or 2)) throw new UnixctlException("Syntax error");
        string flow = arguments.Words[^1];
        string? where = arguments.Words.Count == 2 ? arguments.Words[0] : null;
        TraceRequest request = OfDatapath(bridges, where, flow) ?? OfBridge(bridges, where!, flow);
        request = request with { Bridges = bridges, Frame = frame, IsGenerated = arguments.Generates, WithNames = arguments.WithNames, Next = arguments.Next };
        return frame is null ? request : request with { Flow = FrameFlow.Of(frame, request.Flow, request.Bridge.Datapath.Options.VlanLimit) };
    }

    /// <summary>A flow as a datapath has it; null = it is none, and may be one of a bridge.</summary>
    private static TraceRequest? OfDatapath(IReadOnlyList<TraceBridge> bridges, string? where, string text)
    {
        // Where none is named, and there is only one, that is meant.
        TraceBridge[] known = [.. bridges.Where(b => where is null ? b.DatapathName == bridges[0].DatapathName : b.IsIn(where))];
        if (where is null && bridges.Any(b => b.DatapathName != bridges[0].DatapathName)) known = [];
        DpFlow parsed;
        try
        {
            parsed = DpFlowParser.ParseKey(text, new PortNames(known.SelectMany(static b => b.Ports).Where(static p => p.Number is not null).ToDictionary(static p => p.Name, static p => p.Number!.Value)));
        }
        catch (FlowTextException) when (where is not null)
        {
            return null;
        }
        catch (FlowTextException e)
        {
            string rest = text[Math.Clamp(e.Column - 1, 0, text.Length)..];
            throw new UnixctlException($"syntax error at {rest} (or the bridge name was omitted)");
        }

        if (known.Length == 0) throw new UnixctlException("Cannot find the datapath");
        PipelineFlow flow = default;
        flow.Key = parsed.Value;
        (TraceBridge bridge, uint inPort) = Receiver(known, flow.Key);
        flow.Key.InPort = Be32.FromHost(inPort);
        bridge.Bridge.Pipeline.TakeOption(parsed.Options, ref flow.Key);
        if (bridge.Datapath.Options.VlanLimit == 1) LeaveOneTag(ref flow.Key);
        flow.Key.SkbPriority = Queue(parsed.SkbPriority);
        return new TraceRequest { Bridge = bridge, Flow = flow };
    }

    /// <summary>Queues of higher numbers are one.</summary>
    private static Be16 Queue(uint skbPriority) => Be16.FromHost((ushort)Math.Min(skbPriority, ushort.MaxValue));

    /// <summary>Behind the first tag of two nothing is known.</summary>
    private static void LeaveOneTag(ref FlowKey key)
    {
        if ((key.Vlan1Tci.Host & KeyMasks.VlanPresent) == 0) return;
        FlowKey network = KeyMasks.Network;
        for (int i = 0; i < FlowKey.SizeBytes; i++) key.Bytes[i] &= (byte)~network.Bytes[i];
        key.DlType = key.Vlan1Tpid;
        (key.Vlan1Tci, key.Vlan1Tpid) = (default, default);
        (key.MplsLse0, key.MplsLse1, key.MplsLse2) = (default, default, default);
    }

    /// <summary>Which bridge a packet of the datapath comes to, and by which of its ports (OVS <c>xlate_lookup_ofproto</c>).</summary>
    private static (TraceBridge Bridge, uint InPort) Receiver(TraceBridge[] bridges, FlowKey key)
    {
        uint recircId = key.RecircId.Host;
        if (recircId != 0)
        {
            foreach (TraceBridge bridge in bridges)
            {
                if (bridge.Datapath.Recirc.PlaceOf(recircId) is { } place && place.Bridge == bridge.Bridge.Pipeline) return (bridge, place.InPort);
            }

            throw new UnixctlException(string.Create(CultureInfo.InvariantCulture, $"no recirculation data for recirc_id 0x{recircId:x}"));
        }

        if (key.TunDst.Raw != 0 || !key.TunIpv6Dst.IsZero)
        {
            foreach (TraceBridge bridge in bridges)
            {
                if (bridge.Bridge.Pipeline.TunnelPortOf(key) is { } tunnel) return (bridge, tunnel);
            }

            throw new UnixctlException("no OpenFlow tunnel port for this packet");
        }

        uint port = key.InPort.Raw == 0 ? uint.MaxValue : key.InPort.Host;
        foreach (TraceBridge bridge in bridges)
        {
            if (bridge.Ports.FirstOrDefault(p => p.Number == port) is { Name: not null } found) return (bridge, found.Ofport);
        }

        throw new UnixctlException(string.Create(CultureInfo.InvariantCulture, $"no OpenFlow port for datapath port {port}"));
    }

    private static TraceRequest OfBridge(IReadOnlyList<TraceBridge> bridges, string name, string text)
    {
        if (bridges.FirstOrDefault(b => b.Name == name) is not { } bridge) throw new UnixctlException($"{name}: unknown bridge");
        try
        {
            PipelineFlow flow = new ExactFlowParser(bridge.Names).Parse(text, out uint skbPriority);
            flow.Key.SkbPriority = Queue(skbPriority);
            return new TraceRequest { Bridge = bridge, Flow = flow };
        }
        catch (FlowTextException e)
        {
            throw new UnixctlException($"Bad openflow flow syntax: {e.Message}");
        }
    }
}
