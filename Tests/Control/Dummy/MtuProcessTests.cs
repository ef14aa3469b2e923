using Xunit;

namespace Mergeflow.Tests;

/// <summary>The MTU of a switch's own ports follows that of the others.</summary>
public sealed class MtuProcessTests : IDisposable
{
    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public MtuProcessTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
            "--", "add-port", "br0", "own", "--", "set", "interface", "own", "type=internal");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Own_ports_have_the_smallest_MTU_of_the_others_unless_asked_otherwise()
    {
        Is(1500, "br0", "own", "p1");
        Ask("p1", 1600);
        Is(1600, "br0", "own", "p1");
        _run.Server.Vsctl("add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "mtu_request=1550");
        Is(1550, "br0", "own", "p2");
        Ask("own", 1700);
        Is(1700, "own");
        _run.Server.Vsctl("del-port", "br0", "p2");
        Is(1600, "br0");
        Is(1700, "own");
        _run.Server.Vsctl("clear", "interface", "own", "mtu_request");
        Is(1600, "own");
        _run.Server.Vsctl("del-port", "br0", "p1");
        Is(1500, "br0", "own");
    }

    private void Ask(string port, int mtu) => _run.Server.Vsctl("set", "interface", port, $"mtu_request={mtu}");

    private void Is(int mtu, params string[] ports)
    {
        foreach (string port in ports) Eventually.True(() => _run.Server.Vsctl("get", "interface", port, "mtu").Trim() == $"{mtu}", $"{port} has an MTU of {mtu}");
    }
}
