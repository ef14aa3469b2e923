using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Questions of <c>ovs-appctl</c> about tunnels and their ways: <c>tnl/*</c>, <c>bfd/*</c>, <c>ofproto/list-tunnels</c>; answers as Open vSwitch gives them.</summary>
/// <param name="vswitchd">Whose turn it is asked in.</param>
/// <param name="host">What is asked.</param>
public sealed class TunnelCommands(Vswitchd vswitchd, LiveBridgeHost host)
{
    /// <summary>Adds them.</summary>
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("tnl/ports/show", "-v", 0, 1, words => vswitchd.Locked(() => Ports(words.Contains("-v"))));
        commands.Add("tnl/egress_port_range", "min max", 0, 2, static words => words.Count == 0 ? "Tunnel UDP source port range: 32768-61000\n" : throw new UnixctlException("the range cannot be changed"));
        new RouteCommands(vswitchd, host).AddTo(commands);
        commands.Add("ofproto/list-tunnels", "", 0, 0, _ => vswitchd.Locked(Tunnels));
        commands.Add("bfd/show", "[interface]", 0, 1, words => vswitchd.Locked(() => host.Bfd.Show(words.Count > 0 ? words[0] : null) ?? throw new UnixctlException("no such bfd object")));
        commands.Add("bfd/set-forwarding", "[interface] normal|false|true", 1, 2, words => vswitchd.Locked(() => SetForwarding(words.Count > 1 ? words[0] : null, words[^1])));
    }

    private HostNetwork Host => host.Underlay?.Host ?? new HostNetwork();

    private IEnumerable<(LiveBridge Bridge, TunnelPort Tunnel)> All => host.Bridges.SelectMany(static b => b.Tunnels.Select(t => (b, t))).OrderBy(static t => t.t.Number);

    private string Ports(bool isVerbose)
    {
        StringBuilder text = new("Listening ports:\n");
        foreach (IGrouping<(TunnelKind Kind, ushort Port), TunnelPort> group in All.Select(static t => t.Tunnel).GroupBy(static t => (t.Kind, t.DestinationPort)).OrderBy(static g => g.Key))
        {
            uint number = group.Min(static t => t.Number);
            string name = DeviceOf(group.Key.Kind, group.Key.Port);
            if (!isVerbose)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name} ({number}) ref_cnt={group.Count()}\n");
                continue;
            }

            string transport = group.Key.Kind == TunnelKind.Gre ? "" : string.Create(CultureInfo.InvariantCulture, $",udp(dst={group.Key.Port})");
            foreach ((int device, IPAddress address) in host.Underlay?.Places.Select(static p => p.Device).Distinct().SelectMany(d => Host.Addresses.Where(a => a.Interface == d && !a.Address.IsIPv6LinkLocal).Select(a => (d, a.Address))) ?? [])
            {
                bool isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
                text.Append(CultureInfo.InvariantCulture, $"{name} ({number}) : eth(dst={MacText.Of(Host.Link(device)?.Mac ?? 0)}),eth_type(0x{(isV6 ? "86dd" : "0800")}),");
                text.Append(CultureInfo.InvariantCulture, $"{(isV6 ? "ipv6" : "ipv4")}(dst={address},proto={(group.Key.Kind == TunnelKind.Gre ? 47 : 17)},frag=no){transport}\n");
            }
        }

        return text.ToString();
    }

    private string Tunnels()
    {
        StringBuilder text = new();
        foreach ((LiveBridge bridge, TunnelPort tunnel) in All)
        {
            string ends = tunnel.Remote is { } remote ? $"{Text(tunnel.Local, tunnel)}->{Text(remote, tunnel)}" : tunnel.IsLocalFlow ? "flow->flow" : $"{Text(tunnel.Local, tunnel)}->flow";
            string key = tunnel.InKey is { } number ? number == 0 ? "0" : "0x" + number.ToString("x", CultureInfo.InvariantCulture) : "flow";
            uint port = All.Select(static t => t.Tunnel).Where(t => t.Kind == tunnel.Kind && t.DestinationPort == tunnel.DestinationPort).Min(static t => t.Number);
            text.Append(CultureInfo.InvariantCulture, $"port {port}: {bridge.NameOf(tunnel.Number)} ({TypeOf(tunnel.Kind)}: {ends}, key={key}, legacy_l2, dp port={port}");
            if (tunnel.InKey != tunnel.OutKey) text.Append(CultureInfo.InvariantCulture, $", out_key={(tunnel.OutKey is { } o ? "0x" + o.ToString("x", CultureInfo.InvariantCulture) : "flow")}");
            if (tunnel.InheritsTtl) text.Append(", ttl=inherit");
            else text.Append(CultureInfo.InvariantCulture, $", ttl={tunnel.Ttl}");
            if (tunnel.InheritsTos) text.Append(", tos=inherit");
            else if (tunnel.Tos != 0) text.Append(CultureInfo.InvariantCulture, $", tos=0x{tunnel.Tos:x}");
            if (!tunnel.DontFragment) text.Append(", df=false");
            if (tunnel.HasChecksum) text.Append(", csum=true");
            text.Append(")\n");
        }

        return text.ToString();
    }

    private string SetForwarding(string? name, string word)
    {
        bool? ordered = word switch { "true" => true, "false" => false, "normal" => null, _ => throw new UnixctlException("unknown fault string") };
        return host.Bfd.SetForwarding(name, ordered) ? "OK\n" : throw new UnixctlException("no such BFD object");
    }

    private static string Text(Ipv6Address? address, TunnelPort tunnel) => address is not { } known ? "::" : Underlay.ToAddress(known, tunnel.IsIpv6 == true).ToString();

    private static string TypeOf(TunnelKind kind) => kind switch { TunnelKind.Vxlan => "vxlan", TunnelKind.Geneve => "geneve", _ => "gre" };

    private static string DeviceOf(TunnelKind kind, ushort port) => kind switch
    {
        TunnelKind.Vxlan => string.Create(CultureInfo.InvariantCulture, $"vxlan_sys_{port}"),
        TunnelKind.Geneve => string.Create(CultureInfo.InvariantCulture, $"genev_sys_{port}"),
        _ => "gre_sys",
    };
}
