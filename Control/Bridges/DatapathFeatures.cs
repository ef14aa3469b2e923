using System.Globalization;
using System.Text;
using Mergeflow.Engine.Actions;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// What the datapath can, in the words of Open vSwitch (<c>dpif/show-dp-features</c>), and what tests take away from it (<c>dpif/set-dp-features</c>). There a translation avoids what is taken away; here packets fare the same either
/// way, so it is only shown, but for <c>tnl_push_pop</c>, <c>clone</c> with <c>sample_nesting</c>, <c>add_mpls</c> (flows are shown as slow) and, in traces, <c>trunc</c>. For one thread.
/// </summary>
public sealed class DatapathFeatures
{
    private const int LeastNesting = 3;

    private readonly Feature[] _features =
    [
        new("masked_set_action", "Masked set action", null), new("tnl_push_pop", "Tunnel push pop", null), new("ufid", "Ufid", null), new("trunc", "Truncate action", null), new("clone", "Clone action", null),
        new("sample_nesting", "Sample nesting", 10), new("ct_eventmask", "Conntrack eventmask", null) { Most = 0, Now = 0 }, new("ct_clear", "Conntrack clear", null), new("max_hash_alg", "Max dp_hash algorithm", 1),
        new("check_pkt_len", "Check pkt length action", null), new("ct_timeout", "Conntrack timeout policy", null), new("explicit_drop_action", "Explicit Drop action", null),
        new("lb_output_action", "Optimized Balance TCP mode", null) { Most = 0, Now = 0 }, new("ct_zero_snat", "Conntrack all-zero IP SNAT", null), new("add_mpls", "MPLS Label add", null),
        new("max_vlan_headers", "Max VLAN headers", 2), new("max_mpls_depth", "Max MPLS depth", 3), new("recirc", "Recirc", null), new("ct_state", "CT state", null), new("ct_zone", "CT zone", null), new("ct_mark", "CT mark", null),
        new("ct_label", "CT label", null), new("ct_state_nat", "CT state NAT", null), new("ct_orig_tuple", "CT orig tuple", null), new("ct_orig_tuple6", "CT orig tuple for IPv6", null), new("nd_ext", "IPv6 ND Extension", null) { Most = 0, Now = 0 },
    ];

    /// <summary>Tunnels are encapsulated here, and not by what is behind their ports.</summary>
    public bool PushesTunnels => Of("tnl_push_pop") != 0;

    /// <summary>Packets are cut by the datapath, and not by what helps it.</summary>
    public bool Truncates => Of("trunc") != 0;

    /// <summary>What copies packets (OVS <c>clone_xlate_actions</c>).</summary>
    public DpOp? CloneOp => Of("clone") != 0 ? DpOp.Clone : Of("sample_nesting") > LeastNesting ? DpOp.Sample : null;

    /// <summary>Labels in front of packets are the datapath's work, and not that of what helps it.</summary>
    public bool AddsLabels => Of("add_mpls") != 0;

    /// <summary>All of them, a line each.</summary>
    public string Show()
    {
        StringBuilder text = new();
        foreach (Feature feature in _features) text.Append(feature.Title).Append(": ").Append(feature.Text).Append('\n');
        return text.ToString();
    }

    /// <summary>Sets or shows one; without a name shows all by their short names.</summary>
    public string Set(string? name, string? value)
    {
        if (name is null) return string.Concat(_features.Select(static f => f.Line));
        if (_features.FirstOrDefault(f => f.Name == name) is not { } feature) return "Unexpected support field";
        if (value is null) return feature.Line;
        if (feature.IsNumber)
        {
            if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)) return "Integer number expected";
            if (number < 0) return "Negative number not expected";
            if (number > feature.Most) return "Can not set value beyond the datapath capability";
            feature.Now = number;
            return "";
        }

        if (!bool.TryParse(value, out bool isOn)) return "Boolean value expected";
        if (isOn && feature.Most == 0) return "Can not enable features not supported by the datapth";
        feature.Now = isOn ? 1 : 0;
        return "";
    }

    private int Of(string name) => _features.First(f => f.Name == name).Now;

    private sealed class Feature(string name, string title, int? most)
    {
        public string Name => name;

        public string Title => title;

        public bool IsNumber => most is not null;

        public int Most { get; init; } = most ?? 1;

        public int Now { get; set; } = most ?? 1;

        /// <summary>As <c>dpif/set-dp-features</c> shows it (OVS <c>display_support_field</c>).</summary>
        public string Line => $"{Name} ({Title}) : [run time]:{Value(Now)}, [boot time]:{Value(Most)}\n";

        private string Value(int value) => IsNumber ? value.ToString(CultureInfo.InvariantCulture) : value != 0 ? "true" : "false";

        public string Text => IsNumber ? Now.ToString(CultureInfo.InvariantCulture) : Now != 0 ? "Yes" : "No";
    }
}
