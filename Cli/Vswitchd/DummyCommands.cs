using System.Globalization;
using System.Net;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>Orders of <c>ovs-appctl</c> to ports without devices: <c>netdev-dummy/*</c> (OVS <c>lib/netdev-dummy.c</c>). What a frame does has been done when the order that brings it is answered.</summary>
internal sealed class DummyCommands(Vswitchd vswitchd, DummyWire wire)
{
    private const int EthernetBytes = 14;

    /// <summary>Shortest frame that is asked for by its length (OVS <c>ETH_TOTAL_MIN</c>).</summary>
    private const int LeastBytes = 60;

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, int.MaxValue, Receive);
        commands.Add("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2, SetState);
        commands.Add("netdev-dummy/conn-state", "[netdev]", 0, 1, ShowConnections);
        commands.Add("netdev-dummy/ip4addr", "[netdev] ipaddr/mask-prefix-len", 2, 2, words => SetAddress(words, isIpv6: false));
        commands.Add("dpif-dummy/change-port-number", "dp port new-number", 3, 3, words => vswitchd.Locked(() => Renumber(words)));
        commands.Add("netdev-dummy/ip6addr", "[netdev] ip6addr", 2, 2, words => SetAddress(words, isIpv6: true));
    }

    /// <summary>A port gets another number in the datapath, as if it had gone and come (OVS <c>dpif_dummy_change_port_number</c>).</summary>
    private string Renumber(IReadOnlyList<string> words)
    {
        if (SharedDatapath.Find(vswitchd, $"dummy@{words[0]}") is not { Manual: null } datapath) throw new UnixctlException("unknown datapath or not a dummy");
        (uint number, LiveBridge? bridge, _, string name) = datapath.Ports.FirstOrDefault(p => p.Name == words[1]);
        if (bridge is null) throw new UnixctlException("unknown port");
        if (!uint.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint wanted) || wanted is 0 or >= OfPorts.Max) throw new UnixctlException("bad port number");
        if (wanted == number) return "";
        if (datapath.Live.Numbers.Names.ContainsKey(wanted)) throw new UnixctlException("port number already in use");
        datapath.Live.Numbers.Wish(name, wanted);
        vswitchd.Bridges.Drop(bridge.Name, name, LiveSwitch.NowMs);
        vswitchd.Bridges.Apply(vswitchd.Config!, LiveSwitch.NowMs);
        return "";
    }

    private string Receive(IReadOnlyList<string> words)
    {
        DummyPort port = wire.Find(words[0]) ?? throw new UnixctlException("no such dummy netdev");
        int at = 1, queue = 0;
        if (words.Count > 2 && words[1] == "--qid")
        {
            if (!int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out queue) || queue >= port.QueueCount) throw new UnixctlException("bad rx queue id.");
            at += 2;
        }

        for (; at < words.Count; at++)
        {
            if (Hex(words[at]) is { } frame)
            {
                port.Receive(frame, queue);
                continue;
            }

            string flow = words[at];
            int? length = null;
            if (at + 2 < words.Count && words[at + 1] == "--len")
            {
                if (!int.TryParse(words[at + 2], NumberStyles.None, CultureInfo.InvariantCulture, out int asked) || asked < LeastBytes) throw new UnixctlException("too small packet len");
                (length, at) = (asked, at + 2);
            }

            port.Receive(Compose(flow, length), queue);
        }

        DummyStillness.Wait(vswitchd, wire);
        vswitchd.LookAtNetwork();
        DummyStillness.Wait(vswitchd, wire);
        return "";
    }

    private static byte[] Compose(string flow, int? lengthBytes)
    {
        try
        {
            FlowKey key = DpFlowParser.ParseKey(flow, PortNames.None).Value;

            // Who says what follows has said the type.
            if (key.DlType.Host == EthType.None && Implied(flow) is { } type) key.DlType = Be16.FromHost(type);
            return lengthBytes is { } length ? FrameComposer.ComposeOf(key, length) ?? throw new UnixctlException("") : FrameComposer.Compose(key);
        }
        catch (FlowTextException e)
        {
            throw new UnixctlException($"syntax error parsing {flow}: column {e.Column}: {e.Message}");
        }
    }

    private static ushort? Implied(string flow)
        => flow.Contains("ipv4(", StringComparison.Ordinal) ? EthType.Ip : flow.Contains("ipv6(", StringComparison.Ordinal) ? EthType.Ipv6 : flow.Contains("arp(", StringComparison.Ordinal) ? EthType.Arp : null;

    /// <summary>Digits of a frame, spaces between them or not; null = it is something else.</summary>
    private static byte[]? Hex(string text)
    {
        string digits = string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));
        return digits.Length >= 2 * EthernetBytes && digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit) ? Convert.FromHexString(digits) : null;
    }

    private string SetState(IReadOnlyList<string> words)
    {
        bool isUp = words[^1].ToUpperInvariant() switch { "UP" => true, "DOWN" => false, _ => throw new UnixctlException("Invalid Admin State") };
        IEnumerable<DummyPort> ports = words.Count == 1 ? wire.Ports : [wire.Find(words[0]) ?? throw new UnixctlException("Unknown Dummy Interface")];
        foreach (DummyPort port in ports) port.SetUp(isUp);
        vswitchd.LookAtDevices();
        return "OK";
    }

    private string ShowConnections(IReadOnlyList<string> words)
    {
        if (words.Count == 1) return Line(words[0], wire.Find(words[0]) is { } port ? wire.IsConnected(port) : null);
        StringBuilder text = new();
        foreach (DummyPort port in wire.Ports)
        {
            if (wire.IsConnected(port) is { } isConnected) text.Append(Line(port.Name, isConnected));
        }

        return text.ToString();
    }

    private static string Line(string name, bool? isConnected) => $"{name}: {isConnected switch { true => "connected", false => "disconnected", null => "unknown" }}\n";

    private string SetAddress(IReadOnlyList<string> words, bool isIpv6)
    {
        DummyPort port = wire.Find(words[0]) ?? throw new UnixctlException("Unknown Dummy Interface");
        string[] parts = words[1].Split('/');
        int all = isIpv6 ? 128 : 32, bits = all;
        bool isOne = parts.Length <= 2 && IPAddress.TryParse(parts[0], out _) && (parts.Length == 1 || (int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out bits) && bits <= all));
        if (!isOne || (IPAddress.Parse(parts[0]).AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6) != isIpv6) throw new UnixctlException($"{words[1]}: invalid IP address");
        port.SetAddress(IPAddress.Parse(parts[0]), bits);
        vswitchd.LookAtDevices();
        return "OK";
    }
}
