using System.Globalization;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>A bridge that moves packets: a datapath on threads, and its live ports.</summary>
public sealed class LiveBridge : IHostedBridge
{
    private const int LargeFrames = 64;

    private readonly LiveBridgeHost _host;
    private readonly Dictionary<int, LiveInterface> _interfaces = [];
    private readonly LiveSwitch _live;
    private readonly ulong _ownMac = MacText.Random();
    private ulong? _fixedId;
    private ulong _mac;
    private bool _isDisposed;

    internal LiveBridge(LiveBridgeHost host, BridgeConfig config)
    {
        (_host, Name) = (host, config.Name);
        _live = new LiveSwitch(new DatapathOptions { Ports = [], PmdCount = host.ThreadCount, LargeFrameCapacity = LargeFrames });
        _live.Start();
        _mac = _ownMac;

        // A bridge that nobody controls is a learning switch (OVS ofproto_add_default_flow).
        if (!config.IsSecure && config.Controllers.Count == 0) Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows("priority=0,actions=NORMAL"), LiveSwitch.NowMs);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What runs. Its control operations are for any thread.</summary>
    public Datapath Datapath => _live.Datapath;

    /// <inheritdoc/>
    public ulong DatapathId => _fixedId ?? _mac;

    /// <inheritdoc/>
    public void Add(InterfaceConfig config, int ofport)
    {
        LivePort port = Open(config, (uint)ofport);
        _live.Ports.Add(port, LiveSwitch.NowMs);
        _interfaces.Add(ofport, new LiveInterface(config, port));
        if (port is PatchPort patch) _host.Join(patch, config.Options.GetValueOrDefault("peer", ""));
    }

    /// <inheritdoc/>
    public void Remove(int ofport)
    {
        if (!_interfaces.Remove(ofport, out LiveInterface? gone)) return;
        if (gone.Port is PatchPort patch) _host.Leave(patch);
        _live.Ports.Remove((uint)ofport, LiveSwitch.NowMs);
    }

    /// <inheritdoc/>
    public bool IsThere(int ofport)
    {
        _interfaces[ofport].Port.Refresh();
        return !_interfaces[ofport].Port.IsGone;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Configure(BridgeConfig config, IReadOnlyDictionary<string, int> ofports)
    {
        List<string> failures = [];
        ulong? asked = MacText.Parse(config.OtherConfig.GetValueOrDefault("hwaddr"));
        _mac = asked ?? LowestMac() ?? _ownMac;
        _fixedId = DatapathIdOf(config.OtherConfig.GetValueOrDefault("datapath-id"));
        foreach (PortConfig port in config.Ports)
        {
            foreach (InterfaceConfig member in port.Interfaces)
            {
                if (ofports.TryGetValue(member.Name, out int number)) Datapath.SetPortVlan((uint)number, VlanOf(port), LiveSwitch.NowMs);
            }
        }

        foreach (InterfaceConfig wanted in config.Interfaces)
        {
            if (!ofports.TryGetValue(wanted.Name, out int ofport) || _interfaces[ofport].Port is not NetDevicePort device) continue;
            bool isLocal = ofport == OfportAllocator.Local;
            ulong? mac = isLocal ? _mac : wanted.Type == "internal" ? MacText.Parse(wanted.Mac) : null;
            try
            {
                if (mac is { } address && device.Mac != address) NetDevice.SetMac(device.Device, address);
                if (wanted.MtuRequest is { } mtu && device.MtuBytes != mtu) NetDevice.SetMtuBytes(device.Device, mtu);
            }
            catch (IOException e)
            {
                failures.Add($"bridge {config.Name}: {e.Message}");
            }

            device.Refresh();
        }

        return failures;
    }

    /// <inheritdoc/>
    public InterfaceStatus StatusOf(int ofport) => _interfaces[ofport].Status();

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long> StatisticsOf(int ofport) => _interfaces[ofport].Statistics();

    /// <summary>Looks at all devices again; links that come or go are reported to the switch.</summary>
    public void Refresh() => _live.Ports.Refresh(LiveSwitch.NowMs);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        foreach (PatchPort patch in _interfaces.Values.Select(static i => i.Port).OfType<PatchPort>()) _host.Leave(patch);
        _live.Dispose();
    }

    /// <summary>OVS <c>port_configure</c>.</summary>
    private static PortVlan VlanOf(PortConfig port)
    {
        PortVlanMode mode = port.VlanMode switch
        {
            "access" => PortVlanMode.Access,
            "native-tagged" => PortVlanMode.NativeTagged,
            "native-untagged" => PortVlanMode.NativeUntagged,
            null when port.Tag is not null => PortVlanMode.Access,
            _ => PortVlanMode.Trunk,
        };
        return new PortVlan(mode, (ushort)(port.Tag ?? 0), port.Trunks);
    }

    /// <summary>1 to 16 hex digits, not zero; null = anything else, and the address counts.</summary>
    private static ulong? DatapathIdOf(string? text)
    {
        if (text is null) return null;
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : text;
        return digits.Length <= 16 && ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id) && id != 0 ? id : null;
    }

    private LivePort Open(InterfaceConfig config, uint ofport)
    {
        string name = config.Name;
        switch (config.Type)
        {
            case "system" when NetDevice.IndexOf(name) == 0:
                throw new IOException($"could not open network device {name} (No such device)");
            case "system":
                return Opened(name, () => new PacketSocketPort(ofport, name));
            case "internal" or "tap":
                return Opened(name, () => TapPort.Open(ofport, name, isInternal: config.Type == "internal", setUp: false));
            case "patch":
                string peer = config.Options.GetValueOrDefault("peer", "");
                if (peer.Length == 0) throw new IOException($"{name}: patch type requires valid 'peer' argument");
                if (peer == name) throw new IOException($"{name}: patch peer must not be self");
                return new PatchPort(ofport, name, _host.ThreadCount, MacText.Random());
            default:
                throw new IOException($"could not open network device {name} (Address family not supported by protocol)");
        }
    }

    private static LivePort Opened(string name, Func<LivePort> open)
    {
        try
        {
            return open();
        }
        catch (IOException e)
        {
            string why = e.Message.StartsWith(name + ": ", StringComparison.Ordinal) ? e.Message[(name.Length + 2)..] : e.Message;
            throw new IOException($"could not open network device {name} ({why})", e);
        }
    }

    /// <summary>The lowest address of its devices, as the bridge's own (OVS <c>find_local_hw_addr</c>).</summary>
    private ulong? LowestMac()
    {
        ulong[] macs = [.. _interfaces.Where(static i => i.Key != OfportAllocator.Local && i.Value.Port is PacketSocketPort).Select(static i => i.Value.Port.Mac).Where(static m => m != 0)];
        return macs.Length == 0 ? null : macs.Min();
    }
}
