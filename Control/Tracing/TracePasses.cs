using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Control.Tracing;

/// <summary>The passes of a traced packet, one after the other (OVS <c>ofproto_trace</c>).</summary>
internal sealed class TracePasses : IDisposable
{
    private const int LengthBytes = 64;
    private const int MaxPasses = 4096;

    private readonly TraceRequest _request;
    private readonly FlowTextFormatter _formatter;
    private readonly Translator _translator;
    private readonly StringWriter _output = new(CultureInfo.InvariantCulture) { NewLine = "\n" };
    private readonly Queue<XlateFork> _forks = [];

    /// <summary>What a pass refers to is kept until the last one has been told.</summary>
    private readonly List<XlateResult> _results = [];

    private TracePasses(TraceRequest request)
    {
        _request = request;
        _formatter = new FlowTextFormatter(request.WithNames ? request.Bridge.Names : null);
        _translator = new Translator(request.Bridge.Bridge.Pipeline, request.Bridge.Datapath.Recirc) { Learns = request.HasPacket };
    }

    /// <summary>Follows a packet to the end.</summary>
    public static string Write(TraceRequest request)
    {
        using TracePasses passes = new(request);
        passes.WritePass(request.Flow, request.Actions);
        for (int i = 0; i < MaxPasses && passes._forks.TryDequeue(out XlateFork? fork); i++)
        {
            passes.WritePass(passes.Resumed(fork), null);
        }

        return passes._output.ToString();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _translator.Dispose();
        foreach (XlateResult result in _results) result.Dispose();
        _output.Dispose();
    }

    private void WritePass(PipelineFlow flow, IReadOnlyList<OfAction>? actions)
    {
        flow.ActsetOutput = Be32.FromHost(OfPorts.Widen(OfPorts.Unset));
        uint type = _request.Bridge.Datapath.Recirc.PacketTypeOf(in flow.Key);
        _output.WriteLine($"Flow: {TraceFlowText.Flow(flow, _formatter, type)}");
        XlateResult result = new() { Steps = [] };
        _results.Add(result);
        PipelineFlow working = flow;
        _translator.Explain(ref working, LengthBytes, result, _request.NowMs, actions);
        foreach (XlateFork fork in result.Forks) _forks.Enqueue(fork);
        _output.WriteLine();
        TranslationText.WriteTitle($"bridge(\"{BridgeOf(flow.Key.RecircId.Host).Name}\")", _output);
        TranslationText.WriteSteps(result.Steps!, _formatter, _output);
        PipelineFlow final = result.Final;
        bool isSame = PipelineFlow.BytesOf(in final).SequenceEqual(PipelineFlow.BytesOf(in flow)) && result.FinalType == type;
        _output.WriteLine();
        _output.WriteLine($"Final flow: {(isSame ? "unchanged" : TraceFlowText.Flow(final, _formatter, result.FinalType))}");
        _output.WriteLine($"Megaflow: {TraceFlowText.Megaflow(flow, result.Mask, final, _formatter)}");
        _output.Write($"Datapath actions: {DpFlowFormatter.FormatCarriedOut(result.Actions, _request.Bridge.InDatapath(_request.WithNames))}");
        if (result.Error is { } error) _output.Write($"\nTranslation failed ({error}), packet is dropped.\n");
        else if (SlowPath.ReasonOf(result.Actions, result.IsSlowByOrder, _request.Bridge.LacksTruncation) is { } reason) _output.Write($"\nThis flow is handled by the userspace slow path because it:\n  - {reason}.");
    }

    /// <summary>Where a pass begins: what was put aside in another bridge goes on there.</summary>
    private TraceBridge BridgeOf(uint recircId)
        => recircId != 0 && _request.Bridge.Datapath.Recirc.PlaceOf(recircId) is { } place ? _request.Bridges.FirstOrDefault(b => b.Bridge.Pipeline == place.Bridge) ?? _request.Bridge : _request.Bridge;

    /// <summary>What a fork is when conntrack has seen it (OVS <c>ofproto_trace_recirc_node</c>).</summary>
    private PipelineFlow Resumed(XlateFork fork)
    {
        PipelineFlow flow = fork.Flow;
        StringBuilder title = new();
        title.Append(CultureInfo.InvariantCulture, $"recirc(0x{fork.RecircId:x})");
        if (_request.Next.TryDequeue(out CtState state))
        {
            title.Append(" - resume conntrack with ct_state=").Append(FlowKeyFormatter.CtStateFlags(state));
        }
        else
        {
            state = CtState.Trk | CtState.New;
            title.Append(" - resume conntrack with default ct_state=trk|new (use --ct-next to customize)");
        }

        flow.Key.CtState = state;
        string line = new('=', 79);
        _output.Write($"\n\n{line}\n{title}\n");
        if (fork.Nat is { } nat) Translate(nat, ref flow.Key);
        _output.Write($"{line}\n\n");
        return flow;
    }

    /// <summary>The first address and port of each range stand for what conntrack would choose.</summary>
    private void Translate(OfNat nat, ref FlowKey key)
    {
        bool hasRange = nat.AddrMin != 0;
        _output.Write("Replacing src/dst IP/ports to simulate NAT:\n");
        _output.WriteLine($" Initial flow: {Addresses(nat, hasRange, key)}");
        if (nat.Kind == NatKind.Src && hasRange)
        {
            if (nat.Ipv6) key.Ipv6Src = Ipv6Address.FromUInt128(nat.AddrMin);
            else key.NwSrc = Be32.FromHost((uint)nat.AddrMin);
            if (nat.PortMin != 0) key.TpSrc = Be16.FromHost(nat.PortMin);
        }

        if (nat.Kind == NatKind.Dst && hasRange)
        {
            if (nat.Ipv6) key.Ipv6Dst = Ipv6Address.FromUInt128(nat.AddrMin);
            else key.NwDst = Be32.FromHost((uint)nat.AddrMin);
            if (nat.PortMin != 0) key.TpDst = Be16.FromHost(nat.PortMin);
        }

        _output.WriteLine($" Modified flow: {Addresses(nat, hasRange, key)}");
    }

    private static string Addresses(OfNat nat, bool hasRange, in FlowKey key)
    {
        if (!hasRange) return "";
        (ushort from, ushort to) = (key.TpSrc.Host, key.TpDst.Host);
        return nat.Ipv6
            ? string.Create(CultureInfo.InvariantCulture, $"ipv6_src=[{key.Ipv6Src}],tp_src={from},ipv6_dst=[{key.Ipv6Dst}],tp_dst={to}")
            : string.Create(CultureInfo.InvariantCulture, $"nw_src={Ipv4(key.NwSrc.Host)},tp_src={from},nw_dst={Ipv4(key.NwDst.Host)},tp_dst={to}");
    }

    private static string Ipv4(uint a) => string.Create(CultureInfo.InvariantCulture, $"{a >> 24}.{a >> 16 & 0xff}.{a >> 8 & 0xff}.{a & 0xff}");
}
