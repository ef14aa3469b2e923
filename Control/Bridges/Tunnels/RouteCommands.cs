using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Routes and neighbours below tunnels, shown and said: <c>ovs/route/*</c>, <c>tnl/neigh/*</c>, <c>tnl/arp/*</c>; answers as Open vSwitch gives them.</summary>
/// <param name="vswitchd">Whose turn it is asked in.</param>
/// <param name="host">Whose tunnels go by them.</param>
public sealed class RouteCommands(Vswitchd vswitchd, LiveBridgeHost host)
{
    private const byte Unicast = 1;
    private const byte Local = 2;
    private const int AddressWidth = 46;
    private const int MostAgingSeconds = 3600;
    private const int Ipv4Bits = 32;
    private const int Ipv6Bits = 128;
    private const string Done = "OK";
    private const string MarkWord = "pkt_mark=";

    private HostNetwork Host => host.Underlay?.Host ?? new HostNetwork();

    /// <summary>Adds them.</summary>
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("ovs/route/add", "ip_addr/prefix_len out_br_name [gw] [pkt_mark=mark]", 2, 4, words => vswitchd.Locked(() => Add(words)));
        commands.Add("ovs/route/del", "ip_addr/prefix_len [pkt_mark=mark]", 1, 2, words => vswitchd.Locked(() => Delete(words)));
        commands.Add("ovs/route/show", "", 0, 0, _ => vswitchd.Locked(Routes));
        commands.Add("ovs/route/lookup", "ip_addr [pkt_mark=mark]", 1, 2, words => vswitchd.Locked(() => Lookup(words)));
        foreach (string kind in (string[])["neigh", "arp"])
        {
            commands.Add($"tnl/{kind}/show", "", 0, 0, _ => vswitchd.Locked(Neighbors));
            commands.Add($"tnl/{kind}/set", "BRIDGE IP MAC", 3, 3, words => vswitchd.Locked(() => SetNeighbor(words)));
            commands.Add($"tnl/{kind}/flush", "", 0, 0, _ => vswitchd.Locked(Flush));
            commands.Add($"tnl/{kind}/aging", "[SECS]", 0, 1, words => vswitchd.Locked(() => Aging(words)));
        }
    }

    private string Add(IReadOnlyList<string> words)
    {
        (IPAddress destination, int bits) = Prefix(words[0]);
        bool isIpv6 = destination.AddressFamily == AddressFamily.InterNetworkV6;
        uint mark = 0;
        IPAddress? gateway = null;
        if (words.Count > 2)
        {
            if (Mark(words[2]) is { } said) mark = said;
            else gateway = Address(words[2]) is { } router && router.AddressFamily == destination.AddressFamily ? router : throw new UnixctlException(isIpv6 ? "Invalid pkt_mark or IPv6 gateway" : "Invalid pkt_mark or gateway");
        }

        if (words.Count > 3) mark = Mark(words[3]) ?? throw new UnixctlException("Invalid pkt_mark");
        if (gateway is not null && (gateway.Equals(IPAddress.Any) || gateway.Equals(IPAddress.IPv6Any))) gateway = null;
        host.Underlay?.LookAtDummies();
        IPAddress? source = Host.LinkOf(words[1]) is { } device ? Host.SourceWithin(device.Index, destination) ?? (gateway is null ? null : Host.SourceWithin(device.Index, gateway)) : null;
        if (source is null) throw new UnixctlException("Error while inserting route.");
        Host.Said.Add(new SaidRoute(mark, SaidNetwork.Masked(destination, bits), bits, words[1], gateway, source));
        return Changed();
    }

    private string Delete(IReadOnlyList<string> words)
    {
        (IPAddress destination, int bits) = Prefix(words[0]);
        uint mark = words.Count < 2 ? 0 : Mark(words[1]) ?? throw new UnixctlException("Invalid pkt_mark");
        return Host.Said.Remove(mark, SaidNetwork.Masked(destination, bits), bits) ? Changed() : throw new UnixctlException("Not found");
    }

    /// <summary>The tunnels know it when the order is answered.</summary>
    private string Changed()
    {
        host.Underlay?.Changed();
        host.Underlay?.Run(ProcessClock.NowMs);
        return Done;
    }

    private string Routes()
    {
        StringBuilder text = new("Route Table:\n");
        foreach (SaidRoute route in Host.Said.Routes)
        {
            text.Append(CultureInfo.InvariantCulture, $"User: {route.Destination}/{route.PrefixLength}{(route.Mark == 0 ? "" : $" MARK {route.Mark}")} dev {route.Device}{(route.Gateway is { } router ? $" GW {router}" : "")} SRC {route.Source}\n");
        }

        IEnumerable<RtRoute> shown = Host.Routes.Where(static r => r is { Type: Unicast or Local, Table: >= 253 and <= 255, NextHops.Count: > 0 });
        foreach (RtRoute route in shown.OrderByDescending(static r => Weight(r)).ThenBy(static r => r.Priority).ThenBy(static r => r.Destination.ToString(), StringComparer.Ordinal))
        {
            RtNextHop hop = route.NextHops[0];
            IPAddress? source = route.Type == Local ? route.PreferredSource ?? route.Destination : route.PreferredSource ?? Host.SourceFor(hop.Interface, hop.Gateway ?? route.Destination);
            if (source is null || Host.Link(hop.Interface) is not { } device) continue;
            text.Append(CultureInfo.InvariantCulture, $"Cached: {route.Destination}/{route.PrefixLength} dev {device.Name}{(hop.Gateway is { } gateway ? $" GW {gateway}" : "")} SRC {source}{(route.Type == Local ? " local" : "")}\n");
        }

        return text.ToString();
    }

    /// <summary>Routes of the kernel are for packets without a mark.</summary>
    private string Lookup(IReadOnlyList<string> words)
    {
        if (Address(words[0]) is not { } address) throw new UnixctlException("Invalid parameters");
        uint mark = words.Count < 2 ? 0 : Mark(words[1]) ?? throw new UnixctlException("Invalid pkt_mark");
        if (mark != 0) return Host.Said.Find(mark, address) is { } said ? Way(said.Source, said.Gateway, said.Device) : throw new UnixctlException("Not found");
        if (Host.RouteTo(address) is not { } route || Host.Link(route.NextHops[0].Interface) is not { } device) throw new UnixctlException("Not found");
        RtNextHop hop = route.NextHops[0];
        return Way(route.PreferredSource ?? Host.SourceFor(hop.Interface, hop.Gateway ?? address), hop.Gateway, device.Name);
    }

    private static string Way(IPAddress? source, IPAddress? gateway, string device) => $"src {source}\ngateway {gateway ?? IPAddress.IPv6Any}\ndev {device}\n";

    private string Neighbors()
    {
        StringBuilder text = new("IP                                            MAC                 Bridge\n==========================================================================\n");
        HashSet<int> devices = [.. host.Underlay?.Places.Select(static p => p.Device) ?? []];
        IEnumerable<(string Device, IPAddress Address, ulong Mac)> told = Host.Neighbors.Where(n => devices.Contains(n.Interface) && n.Mac is not null).Select(n => (Host.Link(n.Interface)?.Name ?? "", n.Address, n.Mac!.Value));
        foreach ((string device, IPAddress address, ulong mac) in Host.Said.Neighbors.Concat(told).DistinctBy(static n => (n.Device, n.Address)).OrderBy(static n => n.Address.ToString(), StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{address.ToString().PadRight(AddressWidth)}{MacText.Of(mac)}   {device}\n");
        }

        return text.ToString();
    }

    private string SetNeighbor(IReadOnlyList<string> words)
    {
        IPAddress address = Address(words[1]) ?? throw new UnixctlException("bad IP address");
        ulong mac = MacText.ParseAny(words[2]) ?? throw new UnixctlException("bad MAC address");
        Host.Said.SetNeighbor(words[0], address, mac, ProcessClock.NowMs);
        return Changed();
    }

    private string Flush()
    {
        Host.Said.FlushNeighbors();
        return Changed();
    }

    private string Aging(IReadOnlyList<string> words)
    {
        if (words.Count == 0) return Host.Said.AgingSeconds.ToString(CultureInfo.InvariantCulture);
        if (!int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds is 0 or > MostAgingSeconds) throw new UnixctlException("bad aging value");
        Host.Said.SetAging(seconds, ProcessClock.NowMs);
        return Done;
    }

    private static (IPAddress Address, int Bits) Prefix(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length > 2 || Address(parts[0]) is not { } address) throw new UnixctlException("Invalid parameters");
        int most = address.AddressFamily == AddressFamily.InterNetwork ? Ipv4Bits : Ipv6Bits, bits = most;
        if (parts.Length > 1 && !(int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out bits) && bits <= most)) throw new UnixctlException("Invalid parameters");
        return (address, bits);
    }

    /// <summary>IPv4 in four numbers, or IPv6.</summary>
    private static IPAddress? Address(string text) => IPAddress.TryParse(text, out IPAddress? address) && (text.Contains(':') || text.Count(static c => c == '.') == 3) ? address : null;

    private static uint? Mark(string text)
    {
        if (!text.StartsWith(MarkWord, StringComparison.Ordinal)) return null;
        string number = text[MarkWord.Length..];
        bool isHex = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return uint.TryParse(isHex ? number[2..] : number, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out uint mark) ? mark : null;
    }

    /// <summary>Open vSwitch's order: local routes before others, long prefixes before short ones, as if all were IPv6.</summary>
    private static int Weight(RtRoute route) => route.PrefixLength + (route.Destination.AddressFamily == AddressFamily.InterNetwork ? 96 : 0) + (route.Type == Local ? 64 : 0);
}
