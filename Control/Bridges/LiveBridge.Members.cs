using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <content>What its ports are to others: numbers in the datapath, addresses that were learned there, sockets between ports without devices.</content>
public sealed partial class LiveBridge
{
    /// <summary>Most receive queues of a device: each has a socket, with its memory in the kernel.</summary>
    private const int MaxDeviceQueues = 64;

    /// <summary>Interfaces of which it has been said that they cannot be limited.</summary>
    private readonly HashSet<string> _unpoliced = new(StringComparer.Ordinal);

    /// <summary>Its ports without devices at which the host has addresses.</summary>
    internal IEnumerable<DummyPort> AddressedDummies => _host.Wire is null ? [] : _interfaces.Values.Select(static i => i.Port).OfType<DummyPort>().Where(static p => p.Addresses.Count > 0);

    /// <summary>Tunnels of a kind are one port in the datapath (OVS <c>netdev_vport_get_dpif_port</c>).</summary>
    private static string TunnelName(InterfaceConfig config) => config.Type switch
    {
        "vxlan" => $"vxlan_sys_{config.Options.GetValueOrDefault("dst_port", "4789")}",
        "geneve" => $"genev_sys_{config.Options.GetValueOrDefault("dst_port", "6081")}",
        var other => $"{other}_sys",
    };

    /// <summary>What was learned at a port that goes is forgotten by all bridges of the kind: who was behind it may be behind another now (OVS <c>bundle_flush_macs</c>).</summary>
    private void ForgetElsewhere(uint ofport)
    {
        MacKey[] gone = [.. Pipeline.LearnedAddresses(LiveSwitch.NowMs).Where(a => a.Source.Port == ofport).Select(static a => new MacKey(a.Source.Mac, a.Source.Vid))];
        if (gone.Length == 0) return;
        foreach (LiveBridge other in _host.Bridges)
        {
            if (other != this && other.Shared == Shared) other.Bridge.Forget(gone, LiveSwitch.NowMs);
        }
    }

    /// <summary>What an interface takes in is limited as the database says (OVS <c>iface_configure_qos</c>); devices alone can, as in Open vSwitch. Returns what there is to say.</summary>
    private string? Police(InterfaceConfig wanted, LivePort port)
    {
        bool isChanged = wanted.Limits != port.Limits;
        if (port is PatchVport or TunnelVport) return isChanged && _unpoliced.Add(wanted.Name) ? $"interface {wanted.Name}: ingress policing needs a device, ignoring" : null;
        if (!isChanged) return null;
        string? refusalBefore = port.KernelRefusal;
        _live.Ports.Police(port.Number, wanted.Limits, LiveSwitch.NowMs);
        return port.KernelRefusal is { } why && why != refusalBefore ? $"{wanted.Name}: packets from and to it are forwarded in software: {why}" : null;
    }

    /// <summary>Opens an interface and makes it a port of the datapath; a patch port is one of the bridge alone, and tunnels of a kind share one.</summary>
    private LivePort Attach(InterfaceConfig config, uint ofport)
    {
        string name = config.Name;
        if (config.Type == "patch")
        {
            string peer = config.Options.GetValueOrDefault("peer", "");
            if (peer.Length == 0) throw new IOException($"{name}: patch type requires valid 'peer' argument");
            if (peer == name) throw new IOException($"{name}: patch peer must not be self");
            PatchVport patch = new(ofport, name, peer, Bridge, MacText.Random());
            Bridge.Ports.Add(patch.InPipeline, 0, LiveSwitch.NowMs);
            return patch;
        }

        if (config.Type is "geneve" or "gre" or "vxlan" && _host.DummyTypeOf(config.Type, DatapathType) is null) return AttachTunnel(config, ofport);
        uint number = Shared.Take(name);
        try
        {
            LivePort port = Open(config, number);
            port.Ofport = ofport;
            _live.Ports.Add(port, Bridge, LiveSwitch.NowMs);
            _numbers.Add((int)ofport, number);
            return port;
        }
        catch
        {
            Shared.Release(number);
            throw;
        }
    }

    private TunnelVport AttachTunnel(InterfaceConfig config, uint ofport)
    {
        string name = config.Name;
        TunnelPort tunnel = TunnelOptions.Parse(config, ofport, _host.Warn);
        if (_host.Bridges.SelectMany(static b => b._interfaces.Values).Any(i => i.Config.Name != name && ClashesIn(i, tunnel, TunnelOptions.HasGroupPolicy(config))))
        {
            _host.Warn($"{name}: VXLAN-GBP, and non-VXLAN-GBP tunnels can't be configured on the same dst_port");
            throw new IOException($"{name}: could not set configuration (File exists)");
        }

        if (Tunnels.Any(t => t with { Number = ofport, HasInKey = tunnel.HasInKey } == tunnel)) throw new IOException($"could not add network device {name} to ofproto (File exists)");
        uint number = Shared.ShareTunnel(TunnelName(config), config.Type);
        TunnelVport port = new(number, name, config.Type, tunnel, MacText.Random()) { Ofport = ofport, Counters = new VportCounters(Pipeline.Options.IsShared) };
        Bridge.Ports.Add(new PipelinePort(name, ofport) { InDatapath = number, Tunnel = tunnel, Counters = port.Counters }, 0, LiveSwitch.NowMs);
        _numbers.Add((int)ofport, number);
        return port;
    }

    private void Detach(int ofport, LivePort port)
    {
        if (port is DummyPort dummy) _host.Wire!.Remove(dummy);
        _ports = [.. _ports.Where(p => p != port)];
        if (port is PatchVport or TunnelVport)
        {
            Bridge.Ports.Remove((uint)ofport, LiveSwitch.NowMs);
            port.Dispose();
        }
        else
        {
            _live.Ports.Remove(port.Number, LiveSwitch.NowMs);
        }

        if (_numbers.Remove(ofport, out uint number)) Shared.Release(number);
    }

    /// <summary>
    /// The switch's own ports, as far as the database asks for no MTU of theirs, get the smallest one of the bridge's other ports whenever that is another one, and have no larger one (OVS <c>update_mtu_ofproto</c>, <c>update_mtu</c>):
    /// what a host sends by them fits wherever it goes. Returns what cannot be done.
    /// </summary>
    private List<string> FollowMtu()
    {
        const int usual = 1500;
        List<string> failures = [];
        int least = _interfaces.Values.Where(static i => !IsOwn(i) && i.Port is NetDevicePort or DummyPort && i.Port is { IsGone: false, MtuBytes: > 0 }).Select(static i => (int?)i.Port.MtuBytes).Min() ?? usual;
        bool isAnother = least != _leastMtu;
        _leastMtu = least;
        foreach (LiveInterface own in _interfaces.Values.Where(i => IsOwn(i) && !_hasOwnMtu.Contains(i.Config.Name) && (i.Port.MtuBytes > least || (isAnother && i.Port.MtuBytes != least))))
        {
            try
            {
                if (own.Port is DummyPort dummy) dummy.SetMtuBytes(least);
                else if (own.Port is NetDevicePort { IsGone: false } device) NetDevice.SetMtuBytes(device.Device, least);
                own.Port.Refresh();
            }
            catch (IOException e)
            {
                failures.Add($"{own.Config.Name}: cannot have the bridge's MTU of {least}: {e.Message}");
            }
        }

        return failures;
    }

    private static bool IsOwn(LiveInterface member) => member.Config.Type == "internal" || member.Port.Ofport == OfportAllocator.Local;

    /// <summary>Receive and transmit queues of a port without a device, as far as its type has several.</summary>
    private void SetQueues(DummyPort port, InterfaceConfig wanted)
    {
        if (!port.IsPmd) return;
        int queues = QueuesOf(wanted, "n_rxq");
        if (queues != port.QueueCount) _live.Ports.Requeue(port.Number, () => port.SetQueueCount(queues));
        port.SetTxQueues(QueuesOf(wanted, "n_txq"), byHash: wanted.OtherConfig.GetValueOrDefault("tx-steering") == "hash");
    }

    private static int QueuesOf(InterfaceConfig config, string option) => int.TryParse(config.Options.GetValueOrDefault(option), out int queues) ? Math.Clamp(queues, 1, DummyPort.MaxQueues) : 1;

    /// <summary>What the database says of a port without a device.</summary>
    private IEnumerable<string> Configure(DummyPort port, LiveInterface member, InterfaceConfig wanted)
    {
        if (port.Ofport == OfportAllocator.Local) port.SetMac(_mac);
        else if (wanted.Type == "internal" && MacText.Parse(wanted.Mac) is { } mac) port.SetMac(mac);
        if (wanted.MtuRequest is { } mtu) port.SetMtuBytes(mtu);
        SetQueues(port, wanted);
        if (member.Config == wanted || (member.Config.Options.Count == wanted.Options.Count && !member.Config.Options.Except(wanted.Options).Any())) return [];
        member.Config = wanted;
        return _host.Wire!.Configure(port, wanted.Options);
    }
}
