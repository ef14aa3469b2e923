using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about fragments that wait for the rest of their datagram: <c>dpctl/ipf-*</c> (OVS <c>lib/dpctl.c</c>, <c>lib/ipf.c</c>).</summary>
internal sealed class FragmentCommands(Vswitchd vswitchd, ConntrackCommands conntrack)
{
    public void AddTo(UnixctlCommands commands)
    {
        conntrack.Add(commands, "ipf-set-enabled", "[dp] v4|v6", 1, 1, words => SetEnabled(words, true));
        conntrack.Add(commands, "ipf-set-disabled", "[dp] v4|v6", 1, 1, words => SetEnabled(words, false));
        conntrack.Add(commands, "ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 2, SetLeast);
        conntrack.Add(commands, "ipf-set-max-nfrags", "[dp] maxfrags", 1, 1, SetMost);
        commands.Add("dpctl/ipf-get-status", "[-m] [dp]", 0, 2, words => vswitchd.Locked(() => Show(words.Contains("-m") || words.Contains("--more"))));
    }

    private string SetEnabled(IReadOnlyList<string> words, bool isEnabled)
    {
        vswitchd.Conntrack.SetEnabled(IsIpv6(words[0], "parameter missing: 'v4' for IPv4 or 'v6' for IPv6"), isEnabled);
        return conntrack.Applied($"{(isEnabled ? "enabling" : "disabling")} fragmentation reassembly successful");
    }

    private string SetLeast(IReadOnlyList<string> words)
    {
        bool isIpv6 = IsIpv6(words[0], "parameter missing: v4 for IPv4 or v6 for IPv6");
        if (!int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int bytes)) throw ConntrackCommands.Invalid("parameter missing for minimum fragment size");
        if (!vswitchd.Conntrack.TrySetMinBytes(isIpv6, bytes)) throw ManualCommands.Error("requested minimum fragment size too small; see documentation (Operation not permitted)");
        return conntrack.Applied("setting minimum fragment size successful");
    }

    private string SetMost(IReadOnlyList<string> words)
    {
        if (!int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int most)) throw ConntrackCommands.Invalid("parameter missing for maximum fragments");
        const int upper = 5000;
        if (most > upper) throw ManualCommands.Error("setting maximum fragments failed (Operation not permitted)");
        vswitchd.Conntrack.MaxFragments = most;
        return conntrack.Applied("setting maximum fragments successful");
    }

    private string Show(bool withDatagrams)
    {
        FragmentFamily[] v4 = [.. conntrack.Trackers().SelectMany(static t => t.FragmentsOf(isIpv6: false))], v6 = [.. conntrack.Trackers().SelectMany(static t => t.FragmentsOf(isIpv6: true))];
        HeldDatagram[] held = [.. vswitchd.Datapaths.SelectMany(static d => d.Datapath.DumpFragments())];
        StringBuilder text = new("        Fragmentation Module Status\n        ---------------------------\n");
        int most = conntrack.Trackers().Select(static t => t.MaxFragments).FirstOrDefault(vswitchd.Conntrack.MaxFragments ?? 1000);
        text.Append(CultureInfo.InvariantCulture, $"        v4 enabled: {Flag(v4)}\n        v6 enabled: {Flag(v6)}\n        max num frags (v4/v6): {most}\n        num frag: {held.Sum(static d => d.FragmentCount)}\n");
        Write(text, "v4", v4);
        Write(text, "v6", v6);
        if (!withDatagrams) return text.ToString();
        text.Append("\n        Fragment Lists:\n\n");
        foreach (HeldDatagram datagram in held) text.Append(Line(datagram)).Append('\n');
        return text.ToString();
    }

    private static int Flag(FragmentFamily[] family) => family.All(static f => f.IsEnabled) ? 1 : 0;

    private static void Write(StringBuilder text, string name, FragmentFamily[] family)
    {
        int least = family.Select(static f => f.MinBytes).FirstOrDefault(name == "v4" ? 1200 : 1280);
        text.Append(CultureInfo.InvariantCulture, $"        min {name} frag size: {least}\n");
        Count("accepted", static f => f.Accepted);
        Count("completed", static f => f.Completed);
        Count("expired", static f => f.Expired);
        Count("too small", static f => f.TooSmall);
        Count("overlapped", static f => f.Overlapped);
        Count("purged", static f => f.Purged);

        void Count(string what, Func<FragmentFamily, ulong> of) => text.Append(CultureInfo.InvariantCulture, $"        {name} frags {what}: {family.Aggregate(0UL, (sum, f) => sum + of(f))}\n");
    }

    private static string Line(HeldDatagram d)
    {
        string state = d.State switch
        {
            HeldDatagramState.First => "first frag",
            HeldDatagramState.Last => "last frag",
            HeldDatagramState.FirstAndLast => "first/last frag",
            HeldDatagramState.Complete => "complete",
            HeldDatagramState.Failed => "reassemble fail",
            _ => "other frag",
        };
        string type = d.IsIpv6 ? "0x86dd" : "0x800";
        return string.Create(CultureInfo.InvariantCulture, $"(src={ConnectionText.Address(d.IsIpv6, d.Src)},dst={ConnectionText.Address(d.IsIpv6, d.Dst)},recirc_id={d.RecircId},ip_id={d.IpId},dl_type={type},zone={d.Zone},nw_proto={d.Proto},num_fragments={d.FragmentCount},state={state})");
    }

    private static bool IsIpv6(string word, string otherwise) => word switch
    {
        "v6" => true,
        "v4" => false,
        _ => throw ConntrackCommands.Invalid(otherwise),
    };
}
