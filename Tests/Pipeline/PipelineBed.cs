using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>A pipeline made from text, a translator, and frames to translate; programs and masks come back as text.</summary>
internal sealed class PipelineBed : IDisposable
{
    private readonly PacketPool _pool = new(2, 9500);
    private readonly FlowTextParser _parser = new() { TakesLayers = true };

    public PipelineBed(string flows, string groups = "", int portCount = 6, int stagedTableRules = 0, int vlanLimit = 2, bool exactVlanPop = true)
    {
        Pipeline = new OfPipeline(new PipelineOptions
        {
            Ports = [.. Enumerable.Range(1, portCount).Select(n => new PipelinePort($"p{n}", (uint)n))],
            VlanLimit = vlanLimit,
            Quirks = (exactVlanPop ? Quirks.None : Quirks.Ovs31) with { StagedTableRules = stagedTableRules },
        });
        foreach (GroupMod g in _parser.ParseGroups(groups)) Pipeline.ApplyGroup(g);
        Pipeline.ApplyAll(_parser.ParseFlows(flows));
        Translator = new Translator(Pipeline, Recirc);
    }

    public OfPipeline Pipeline { get; }

    public RecircStore Recirc { get; } = new();

    public Translator Translator { get; }

    public XlateResult Result { get; } = new();

    public static FlowKey Udp(string src = "10.0.0.1", string dst = "10.0.0.2", ushort sport = 1000, ushort dport = 53)
    {
        FlowKey k = Tcp(src, dst, sport, dport);
        k.NwProto = IpProto.Udp;
        k.TcpFlags = default;
        return k;
    }

    public static FlowKey Tcp(string src = "10.0.0.1", string dst = "10.0.0.2", ushort sport = 1000, ushort dport = 80)
        => Chain.Tcp(src, dst, sport, dport);

    public static FlowKey Tagged(FlowKey k, ushort tci, ushort? innerTci = null)
    {
        k.Vlan0Tci = Be16.FromHost((ushort)(tci | 0x1000));
        k.Vlan0Tpid = Be16.FromHost(EthType.Vlan);
        if (innerTci is not { } inner) return k;
        k.Vlan1Tci = Be16.FromHost((ushort)(inner | 0x1000));
        k.Vlan1Tpid = Be16.FromHost(EthType.Vlan);
        return k;
    }

    /// <summary>The key of a frame that came in on a port.</summary>
    public FlowKey Key(byte[] frame, uint inPort = 1)
    {
        PacketRef packet = _pool.RentRef(frame, inPort);
        packet.Extract();
        FlowKey key = packet.WholeKey();
        _pool.Return(packet);
        return key;
    }

    /// <summary>Applies flow_mod lines.</summary>
    public bool Mod(params string[] lines) => Pipeline.ApplyAll([.. lines.Select(l => _parser.ParseFlow(l))]);

    public FlowMod Parse(string line) => _parser.ParseFlow(line);

    /// <summary>The program for <paramref name="key"/>, as dpctl prints it.</summary>
    public string Actions(FlowKey key, long nowMs = 0)
    {
        Translator.Translate(ref key, 100, Result, nowMs);
        return DpFlowFormatter.FormatActions(Result.Actions);
    }

    /// <summary>The bits that the last translation consulted, without in_port, dl_type, recirc_id and nw_frag, as <c>byte offset:bits</c>.</summary>
    public string Mask()
    {
        FlowKey m = Result.Mask;
        if (m.InPort.Raw != uint.MaxValue || m.DlType.Raw != ushort.MaxValue || m.RecircId.Raw != uint.MaxValue) return "in_port, dl_type or recirc_id is missing";
        if (m.NwFrag is not (NwFrag.No or (NwFrag.Any | NwFrag.Later))) return "nw_frag is not whole";
        m.NwFrag = NwFrag.No;
        m.InPort = m.RecircId = default;
        m.DlType = default;
        byte[] bytes = m.Bytes.ToArray();
        return string.Join(' ', Enumerable.Range(0, bytes.Length).Where(i => bytes[i] != 0).Select(i => $"{i}:{bytes[i]:x2}"));
    }

    /// <summary>Follows the last program's recirculation: the same key with its recirc_id.</summary>
    public FlowKey Recirculated(FlowKey key)
    {
        key.RecircId = Be32.FromHost(Result.RecircIds[^1]);
        return key;
    }

    /// <summary>Cookies of the rules visited.</summary>
    public IEnumerable<ulong> Cookies => Result.Rules.Select(r => r.Cookie);

    public void Dispose()
    {
        Result.Dispose();
        Translator.Dispose();
        _pool.Dispose();
    }
}
