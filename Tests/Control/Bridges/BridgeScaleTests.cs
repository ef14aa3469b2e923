using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What many ports and many bridges cost, counted in looks at ports: once for each, not once for each pair of them.</summary>
public sealed class BridgeScaleTests : IDisposable
{
    private readonly OvsdbServer _server = new();
    private readonly TemporaryFolder _folder = new();
    private readonly Vlog _log = new(TextWriter.Null);
    private readonly LiveBridgeHost _host;
    private readonly Vswitchd _switch;

    public BridgeScaleTests()
    {
        _host = new LiveBridgeHost { Dummies = DummyMode.Override, RunFolder = Path.GetDirectoryName(_folder["x"]) };
        _switch = new Vswitchd(OvsdbRemote.Parse(_server.Remote), _host, _log);
    }

    public void Dispose()
    {
        _switch.Dispose();
        _host.Dispose();
        _log.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_port_that_comes_with_many_is_told_without_a_look_at_all_others()
    {
        const int ports = 100;
        _server.Vsctl("add-br", "br0");
        Eventually.True(
            () =>
            {
                _switch.RunOnce();
                return Bridge("br0") is not null;
            },
            "the bridge is there");
        LiveBridge bridge = Bridge("br0")!;
        _server.Vsctl([.. Enumerable.Range(1, ports).SelectMany(static i => new[] { "--", "add-port", "br0", $"p{i}" }).Skip(1)]);
        long most = 0;
        Eventually.True(
            () =>
            {
                long before = bridge.DescribedCount;
                _switch.RunOnce();
                most = Math.Max(most, bridge.DescribedCount - before);
                return _switch.Bridges.OfportsOf("br0").Count == ports + 1;
            },
            "the ports are there");
        Assert.InRange(most, ports, 10 * ports);
    }

    [Fact]
    public void A_look_at_devices_looks_at_each_once_however_many_bridges_there_are()
    {
        const int bridges = 20, ports = 5, all = bridges * (ports + 1);
        List<string> make = [];
        for (int b = 0; b < bridges; b++)
        {
            make.AddRange(["--", "add-br", $"b{b}"]);
            for (int p = 0; p < ports; p++) make.AddRange(["--", "add-port", $"b{b}", $"b{b}p{p}"]);
        }

        _server.Vsctl([.. make.Skip(1)]);
        Eventually.True(
            () =>
            {
                _switch.RunOnce();
                return _switch.Bridges.Names.Count == bridges && _switch.Bridges.OfportsOf($"b{bridges - 1}").Count == ports + 1;
            },
            "the bridges are there");
        Mergeflow.Control.LiveSwitch live = Bridge("b0")!.Shared.Live;
        long before = live.Ports.RefreshedCount;
        _switch.LookAtDevices();
        Assert.Equal(all, live.Ports.RefreshedCount - before);
    }

    private LiveBridge? Bridge(string name) => _switch.Bridges.Find(name) as LiveBridge;
}
