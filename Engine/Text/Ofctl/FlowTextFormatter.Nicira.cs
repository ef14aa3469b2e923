using System.Globalization;
using System.Text;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions of Open vSwitch's own (OVS <c>learn_format</c>, <c>bundle_format</c>, <c>multipath_format</c>, ...).</summary>
public sealed partial class FlowTextFormatter
{
    internal static readonly string[] HashFields = ["eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"];
    internal static readonly string[] MultipathAlgorithms = ["modulo_n", "hash_threshold", "hrw", "iter_hash"];
    internal static readonly string[] BundleAlgorithms = ["active_backup", "hrw"];

    private string? FormatNicira(OfAction action) => action switch
    {
        OfSetQueue a => $"set_queue:{a.QueueId}",
        OfPopQueue => "pop_queue",
        OfEnqueue a => $"enqueue:{_ports.Format(a.Port)}:{a.QueueId}",
        OfExit => "exit",
        OfDebugRecirc => "debug_recirc",
        OfDebugSlow => "debug_slow",
        OfFinTimeout a => FormatFinTimeout(a),
        OfDeleteField a => $"delete_field:{a.Field.Name}",
        OfEncap a => $"encap({OfEncap.NameOf(a.PacketType)})",
        OfDecap { NextType: OfDecap.FromHeader } => "decap()",
        OfDecap a => $"decap(packet_type(ns={a.NextType >> 16},type={NumberText.Hex(a.NextType & 0xffff)}))",
        OfMultipath a => $"multipath({Name(HashFields, (int)a.HashFields)},{a.Basis},{Name(MultipathAlgorithms, (int)a.Algorithm)},{a.MaxLink + 1},{a.Argument},{a.Destination})",
        OfBundle a => FormatBundle(a),
        OfSample a => FormatSample(a),
        OfLearn a => FormatLearn(a),
        _ => null,
    };

    private static string Name(string[] names, int i) => i < names.Length ? names[i] : "<unknown>";

    private static string FormatFinTimeout(OfFinTimeout a)
    {
        var s = new StringBuilder("fin_timeout(");
        if (a.IdleTimeoutSeconds != 0) s.Append($"idle_timeout={a.IdleTimeoutSeconds},");
        if (a.HardTimeoutSeconds != 0) s.Append($"hard_timeout={a.HardTimeoutSeconds},");
        Chomp(s);
        return s.Append(')').ToString();
    }

    private string FormatBundle(OfBundle a)
    {
        var s = new StringBuilder(a.Destination is null ? "bundle(" : "bundle_load(");
        s.Append($"{Name(HashFields, (int)a.HashFields)},{a.Basis},{Name(BundleAlgorithms, (int)a.Algorithm)},ofport,");
        if (a.Destination is { } to) s.Append(to).Append(',');
        return s.Append("members:").AppendJoin(',', a.Members.Select(_ports.Format)).Append(')').ToString();
    }

    private string FormatSample(OfSample a)
    {
        var s = new StringBuilder($"sample(probability={a.Probability},collector_set_id={a.CollectorSetId}");
        s.Append(",obs_domain_id=").Append(a.ObservationDomainSource?.ToString() ?? a.ObservationDomainId.ToString(CultureInfo.InvariantCulture));
        s.Append(",obs_point_id=").Append(a.ObservationPointSource?.ToString() ?? a.ObservationPointId.ToString(CultureInfo.InvariantCulture));
        if (a.SamplingPort is { } port) s.Append(",sampling_port=").Append(_ports.Format(port));
        s.Append(a.Direction switch { OfSampleDirection.Ingress => ",ingress", OfSampleDirection.Egress => ",egress", _ => "" });
        return s.Append(')').ToString();
    }

    private string FormatLearn(OfLearn a)
    {
        var s = new StringBuilder($"learn(table={a.Table}");
        if (a.IdleTimeoutSeconds != 0) s.Append($",idle_timeout={a.IdleTimeoutSeconds}");
        if (a.HardTimeoutSeconds != 0) s.Append($",hard_timeout={a.HardTimeoutSeconds}");
        if (a.FinIdleTimeoutSeconds != 0) s.Append($",fin_idle_timeout={a.FinIdleTimeoutSeconds}");
        if (a.FinHardTimeoutSeconds != 0) s.Append($",fin_hard_timeout={a.FinHardTimeoutSeconds}");
        if (a.Priority != DefaultPriority) s.Append($",priority={a.Priority}");
        if (a.Flags.HasFlag(OfLearnFlags.SendFlowRemoved)) s.Append(",send_flow_rem");
        if (a.Flags.HasFlag(OfLearnFlags.DeleteLearned)) s.Append(",delete_learned");
        if (a.Cookie != 0) s.Append($",cookie=0x{a.Cookie:x}");
        if (a.Limit != 0) s.Append($",limit={a.Limit}");
        if (a.Result is { } result) s.Append($",result_dst={result}");
        foreach (OfLearnSpec spec in a.Specs) s.Append(',').Append(FormatSpec(spec));
        return s.Append(')').ToString();
    }

    private string FormatSpec(OfLearnSpec spec) => spec switch
    {
        { Kind: OfLearnKind.Output } => $"output:{spec.Source}",
        { Kind: OfLearnKind.Load, Source: { } source } => $"load:{source}->{spec.Destination}",
        { Kind: OfLearnKind.Load } => $"load:{LearnHex(spec)}->{spec.Destination}",
        { Source: { } source } when source == spec.Destination => $"{source}",
        { Source: { } source } => $"{spec.Destination}={source}",
        { Destination: { } to } when to.BitCount == to.Field.BitCount && to.Field.BitCount == to.Field.ValueSizeBytes * 8
            => $"{to.Field.Name}={FieldText.Format(to.Field, spec.Value, to.Field.MaxValue, _ports)}",
        _ => $"{spec.Destination}={LearnHex(spec)}",
    };

    /// <summary>OVS <c>ds_put_hex</c>: no zeros in front, and no prefix for 0.</summary>
    private static string LearnHex(OfLearnSpec spec) => spec.Value == 0 ? "0" : $"0x{spec.Value:x}";
}
