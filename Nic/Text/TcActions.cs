using System.Text;

namespace Mergeflow.Nic;

/// <summary>The actions of a tc filter. Consecutive rewrites become one pedit with one csum behind it; only the last output redirects, the others mirror.</summary>
internal sealed class TcActions
{
    private readonly FlowRule _rule;
    private readonly Func<uint, string> _deviceOf;
    private readonly List<string> _munges = [];
    private readonly SortedSet<string> _sums = new(StringComparer.Ordinal);
    private readonly StringBuilder _text = new();
    private readonly List<string> _missing = [];
    private readonly bool _isIpv6;
    private readonly string _l4;

    public TcActions(FlowRule rule, Func<uint, string> deviceOf)
    {
        (_rule, _deviceOf) = (rule, deviceOf);
        _isIpv6 = rule.Pattern.Any(static i => i is FlowItemIpv6);
        _l4 = rule.Pattern.Any(static i => i is FlowItemUdp) ? "udp" : "tcp";
    }

    /// <summary>What tc has no word for.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>The text, or null if something is missing.</summary>
    public string? Format()
    {
        FlowAction[] actions = [.. _rule.Actions.Where(static a => a is not FlowActionCount)];
        int last = Array.FindLastIndex(actions, static a => a is FlowActionPort or FlowActionDrop);
        for (int i = 0; i < actions.Length; i++)
        {
            // Behind the last output nothing has an effect.
            if (i > last && last >= 0) break;
            i += Add(actions, i, isLast: i == last);
        }

        if (last < 0) Say("action drop");
        return _missing.Count == 0 ? _text.ToString() : null;
    }

    /// <summary>Adds one action; returns how many of the following it has taken along.</summary>
    private int Add(FlowAction[] actions, int i, bool isLast)
    {
        switch (actions[i])
        {
            case FlowActionPort a:
                Say($"action mirred egress {(isLast ? "redirect" : "mirror")} dev {_deviceOf(a.Port)}");
                return 0;
            case FlowActionDrop:
                Say("action drop");
                return 0;
            case FlowActionSample a when a.Actions.All(static n => n is FlowActionPort or FlowActionCount):
                foreach (FlowActionPort port in a.Actions.OfType<FlowActionPort>()) Say($"action mirred egress mirror dev {_deviceOf(port.Port)}");
                return 0;
            case FlowActionSample:
                _missing.Add("rewrites of a copy (sample)");
                return 0;
            case FlowActionOfPushVlan push:
                Masked<ushort> tci = i + 1 < actions.Length && actions[i + 1] is FlowActionOfSetVlanTci set ? set.Tci : Masked<ushort>.Exact(0);
                Say($"action vlan push protocol {(push.Tpid == 0x88a8 ? "802.1ad" : "802.1q")} id {tci.Value & 0xfff}{(tci.Value >> 13 == 0 ? "" : $" priority {tci.Value >> 13}")}");
                return i + 1 < actions.Length && actions[i + 1] is FlowActionOfSetVlanTci ? 1 : 0;
            case FlowActionOfPopVlan:
                Say("action vlan pop");
                return 0;
            case FlowActionOfSetVlanTci a when (a.Tci.Mask & 0xfff) == 0xfff:
                Say($"action vlan modify id {a.Tci.Value & 0xfff}{(a.Tci.Mask >> 13 == 7 ? $" priority {a.Tci.Value >> 13}" : "")}");
                return 0;
            case FlowActionOfPushMpls a:
                Say($"action mpls push protocol {(a.EthType == 0x8848 ? "mpls_mc" : "mpls_uc")} {Lse(a.Lse)}");
                return 0;
            case FlowActionOfPopMpls a:
                Say($"action mpls pop protocol 0x{a.EthType:x4}");
                return 0;
            case FlowActionOfSetMpls { IsPartial: false } a:
                Say($"action mpls modify {Lse(a.Lse.Value)}");
                return 0;
            default:
                Munge(actions[i]);
                return 0;
        }
    }

    private void Munge(FlowAction action)
    {
        string ip = _isIpv6 ? "ip6" : "ip";
        string? munge = action switch
        {
            FlowActionSetTos a => _isIpv6 ? $"munge ip6 traffic_class set 0x{a.Tos.Value:x2}{Retain(a.Tos.Mask)}" : $"munge ip tos set 0x{a.Tos.Value:x2}{Retain(a.Tos.Mask)}",
            { IsPartial: true } => null,
            FlowActionSetMacSrc a => $"munge eth src set {TestpmdFormatter.Mac(a.Mac.Value)}",
            FlowActionSetMacDst a => $"munge eth dst set {TestpmdFormatter.Mac(a.Mac.Value)}",
            FlowActionSetIpv4Src a => $"munge ip src set {TestpmdFormatter.Ipv4(a.Addr.Value)}",
            FlowActionSetIpv4Dst a => $"munge ip dst set {TestpmdFormatter.Ipv4(a.Addr.Value)}",
            FlowActionSetIpv6Src a => $"munge ip6 src set {TestpmdFormatter.Ipv6(a.Addr.Value)}",
            FlowActionSetIpv6Dst a => $"munge ip6 dst set {TestpmdFormatter.Ipv6(a.Addr.Value)}",
            FlowActionSetTpSrc a => $"munge {_l4} sport set {a.Port.Value}",
            FlowActionSetTpDst a => $"munge {_l4} dport set {a.Port.Value}",
            FlowActionSetTtl a => _isIpv6 ? $"munge ip6 hoplimit set {a.Ttl}" : $"munge ip ttl set {a.Ttl}",
            FlowActionDecTtl => _isIpv6 ? "munge ip6 hoplimit add 0xff" : "munge ip ttl add 0xff",
            _ => null,
        };
        if (munge is null)
        {
            _missing.Add(action.IsPartial ? $"{action.Name} under a mask" : action.Name);
            return;
        }

        _munges.Add(munge);
        bool isTransport = _rule.Pattern.Any(static i => i is FlowItemTcp or FlowItemUdp);
        if (action is FlowActionSetMacSrc or FlowActionSetMacDst) return;
        if (ip == "ip" && action is not (FlowActionSetTpSrc or FlowActionSetTpDst)) _sums.Add("ip");
        bool countsInTransport = action is FlowActionSetIpv4Src or FlowActionSetIpv4Dst or FlowActionSetIpv6Src or FlowActionSetIpv6Dst or FlowActionSetTpSrc or FlowActionSetTpDst;
        if (isTransport && countsInTransport) _sums.Add(_l4);
    }

    private void Say(string action)
    {
        if (_munges.Count > 0)
        {
            Append($"action pedit ex {string.Join(' ', _munges)}");
            if (_sums.Count > 0) Append($"action csum {string.Join(" and ", _sums)}");
            _munges.Clear();
            _sums.Clear();
        }

        Append(action);
    }

    private void Append(string action)
    {
        if (_text.Length > 0) _text.Append(" pipe ");
        _text.Append(action);
    }

    private static string Retain(byte mask) => mask == byte.MaxValue ? "" : $" retain 0x{mask:x2}";

    private static string Lse(uint lse) => $"label {lse >> 12} tc {(lse >> 9) & 7} bos {(lse >> 8) & 1} ttl {lse & 255}";
}
