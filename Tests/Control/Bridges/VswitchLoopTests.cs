using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The switch that follows a real database server, with bridges that are a model, and <c>ovs-vsctl</c> that waits for it.</summary>
public sealed class VswitchLoopTests : IDisposable
{
    private readonly AutoResetEvent _wake = new(false);
    private readonly ModelBridgeHost _host = new();
    private readonly List<string> _lines = [];
    private readonly OvsdbServer _server = new();
    private OvsdbClient _client = null!;
    private VswitchLoop _loop = null!;
    private long _skewMs;

    public VswitchLoopTests() => Begin();

    public void Dispose()
    {
        _loop.Dispose();
        _client.Dispose();
        _server.Dispose();
    }

    [Fact]
    public void Ovs_vsctl_gets_what_it_waits_for()
    {
        _host.Devices.Add("p1");
        string shown = Vsctl("add-br", "br0", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "ofport_request=9");
        Assert.Equal("", shown);
        Assert.Equal(["+br0", "+br0/br0=65534", "+br0/p1=9"], _host.Done);
        Assert.Equal("9", Vsctl("get", "interface", "p1", "ofport"));
        Assert.Equal("65534", Vsctl("get", "interface", "br0", "ofport"));
        Assert.Equal("\"00000200000000fe\"", Vsctl("get", "bridge", "br0", "datapath_id"));
        Assert.Equal("{driver_name=model}", Vsctl("get", "interface", "p1", "status"));
        Assert.Equal("[internal, system]", Vsctl("get", "open", ".", "iface_types"));
        Assert.Equal(Vsctl("get", "open", ".", "next_cfg"), Vsctl("get", "open", ".", "cur_cfg"));
        Assert.Equal("up", Vsctl("get", "interface", "p1", "link_state"));
    }

    [Fact]
    public void A_device_that_is_not_there_is_an_error_of_its_interface_and_tried_again_when_it_comes()
    {
        Vsctl("add-br", "br0");
        string shown = Vsctl("add-port", "br0", "p1");
        Assert.Contains("Error detected while setting up 'p1'", shown, StringComparison.Ordinal);
        Assert.Equal("-1", Vsctl("get", "interface", "p1", "ofport"));
        Assert.Equal("\"could not open network device p1 (No such device)\"", Vsctl("get", "interface", "p1", "error"));

        _host.Devices.Add("p1");
        _loop.DevicesChanged();
        Assert.Equal("1", Vsctl("wait-until", "interface", "p1", "ofport=1", "--", "get", "interface", "p1", "ofport"));
        Assert.Equal("[]", Vsctl("get", "interface", "p1", "error"));
    }

    [Fact]
    public void What_cannot_be_opened_is_said_once_however_often_it_is_tried()
    {
        Vsctl("add-br", "br0");
        Vsctl("add-port", "br0", "p1");
        for (int i = 0; i < 5; i++)
        {
            _loop.DevicesChanged();
            Vsctl("set", "bridge", "br0", $"other_config:x={i}");
        }

        Assert.Single(_lines, static l => l.Contains("could not open network device p1", StringComparison.Ordinal));
        _host.Devices.Add("p1");
        _loop.DevicesChanged();
        Assert.Equal("1", Vsctl("wait-until", "interface", "p1", "ofport=1", "--", "get", "interface", "p1", "ofport"));
        _host.Devices.Remove("p1");
        Vsctl("del-port", "br0", "p1");
        Vsctl("add-port", "br0", "p1");
        Assert.Equal(2, _lines.Count(static l => l.Contains("could not open network device p1", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_bridge_of_a_datapath_that_there_is_not_is_refused_in_the_words_of_Open_vSwitch()
    {
        string shown = Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=nonsense");
        Assert.Contains("Error detected while setting up 'br0'", shown, StringComparison.Ordinal);
        Assert.Contains(_lines, static l => l.Contains("could not create datapath br0 of unknown type nonsense", StringComparison.Ordinal));
        Assert.Contains(_lines, static l => l.Contains("failed to create bridge br0: Address family not supported by protocol", StringComparison.Ordinal));
        Assert.Empty(_loop.Bridges.Names);
        Assert.Equal("", Vsctl("set", "bridge", "br0", "datapath_type=netdev"));
        Assert.Equal(["br0"], _loop.Bridges.Names);
    }

    [Fact]
    public void What_the_switch_writes_does_not_make_it_work_again()
    {
        Vsctl("add-br", "br0");
        int done = _host.Done.Count;
        _skewMs += 60_000;
        Vsctl("wait-until", "interface", "br0", "statistics:rx_packets=3");
        Vsctl("get", "interface", "br0", "statistics");
        Assert.Equal(done, _host.Done.Count);
        Assert.DoesNotContain(_lines, static l => l.Contains("refuses", StringComparison.Ordinal));
    }

    [Fact]
    public void Ports_have_their_numbers_again_after_a_restart()
    {
        _host.Devices.UnionWith(["a", "b"]);
        Vsctl("add-br", "br0", "--", "add-port", "br0", "a");
        Vsctl("add-port", "br0", "b");
        Vsctl("del-port", "br0", "a");
        _loop.Dispose();
        _client.Dispose();
        _host.Done.Clear();
        Begin();
        Vsctl("add-port", "br0", "a");
        Assert.Contains("+br0/b=2", _host.Done);
        Assert.Contains("+br0/a=1", _host.Done);
    }

    [Fact]
    public void A_bridge_that_goes_takes_its_ports_with_it()
    {
        _host.Devices.Add("p1");
        Vsctl("add-br", "br0", "--", "add-port", "br0", "p1");
        Vsctl("del-br", "br0");
        Assert.Equal("-br0", _host.Done[^1]);
        Assert.Empty(_loop.Bridges.Names);
    }

    [Fact]
    public void While_another_switch_has_the_lock_nothing_is_done()
    {
        Vsctl("add-br", "br0");
        ModelBridgeHost idle = new();
        using OvsdbClient client = _server.Client(_wake);
        List<string> lines = [];
        using VswitchLoop second = new(client.Session, idle, (module, level, line) => lines.Add($"{module}|{level}|{line}"));
        Eventually.True(() =>
        {
            client.Run(Environment.TickCount64);
            second.Run(Environment.TickCount64);
            return client.Session is { IsSynchronized: true, IsLockContended: true };
        }, "the second waits for the lock");
        Vsctl("add-br", "br1");
        second.Run(Environment.TickCount64);
        Assert.Empty(idle.Done);
        Assert.False(second.IsSettled);
        Assert.StartsWith("bridge|Err|another ovs-vswitchd process is running, disabling this process (pid ", Assert.Single(lines), StringComparison.Ordinal);
    }

    private void Begin()
    {
        _client = _server.Client(_wake);
        _loop = new VswitchLoop(_client.Session, _host, (_, _, line) => _lines.Add(line));
    }

    /// <summary>Runs <c>ovs-vsctl</c>, and the switch for as long as it takes; returns what it says.</summary>
    private string Vsctl(params string[] arguments)
    {
        Task<string> running = Task.Run(() => _server.VsctlWaiting(arguments));
        Eventually.True(() =>
        {
            _client.Run(Environment.TickCount64);
            _loop.Run(Environment.TickCount64 + _skewMs);
            _client.Run(Environment.TickCount64);
            if (!running.IsCompleted) _wake.WaitOne(5);
            return running.IsCompleted;
        }, $"ovs-vsctl {string.Join(' ', arguments)}");
        return running.GetAwaiter().GetResult();
    }
}
