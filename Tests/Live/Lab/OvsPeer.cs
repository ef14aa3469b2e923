using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The installed Open vSwitch with its userspace datapath on a host of a <see cref="LiveLab"/>: <c>br-phy</c> has the host's device and address, <c>br-int</c> a tunnel and an address inside it. Skips the test where it is not installed.</summary>
internal sealed class OvsPeer : IDisposable
{
    private readonly OvsdbServer _database = new();
    private readonly TemporaryFolder _folder = new();
    private readonly LiveProcess _switch;
    private readonly LiveLab _lab;
    private readonly string _host;

    /// <summary>Runs, with both bridges, when this returns.</summary>
    /// <param name="lab">Where the host is.</param>
    /// <param name="host">Its name; its eth0 becomes a port.</param>
    /// <param name="outer">Address outside, with its prefix length.</param>
    /// <param name="tunnel">Columns of the tunnel's interface, as ovs-vsctl takes them.</param>
    /// <param name="inner">Address inside, with its prefix length.</param>
    public OvsPeer(LiveLab lab, string host, string outer, string[] tunnel, string inner)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ovs-vswitchd"), "ovs-vswitchd is not installed");
        (_lab, _host) = (lab, host);
        _switch = lab.Begin(
            host, "env", $"OVS_RUNDIR={_folder["."]}", $"OVS_LOGDIR={_folder["."]}", $"OVS_DBDIR={_folder["."]}", $"OVS_SYSCONFDIR={_folder["."]}", "ovs-vswitchd", _database.Remote,
            $"--pidfile={_folder["pid"]}", $"--unixctl={_folder["ctl"]}", "-vconsole:warn", "--disable-system");
        Vsctl(
            ["add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev", "--", "add-port", "br-phy", "eth0",
            "--", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev",
            "--", "add-port", "br-int", "tun0", "--", "set", "interface", "tun0", "ofport_request=9", .. tunnel]);
        foreach ((string device, string address) in new[] { ("br-phy", outer), ("br-int", inner) })
        {
            lab.Must(host, "ip", "addr", "add", address, "dev", device);
            lab.Must(host, "ip", "link", "set", device, "mtu", device == "br-int" ? "1400" : "1500", "up");
        }
    }

    /// <summary>Runs <c>ovs-ofctl</c> on <c>br-int</c>.</summary>
    public string Ofctl(string command, params string[] arguments) => _lab.Must(_host, ["ovs-ofctl", command, _folder["br-int.mgmt"], .. arguments]);

    /// <summary>Runs <c>ovs-appctl</c>.</summary>
    public string Appctl(params string[] arguments) => _lab.Must(_host, ["ovs-appctl", "-t", _folder["ctl"], .. arguments]);

    /// <summary>Packets that the tunnel has received and sent.</summary>
    public (long Rx, long Tx) Statistics
    {
        get
        {
            System.Text.RegularExpressions.Match counts = Regex.Match(Ofctl("dump-ports", "tun0"), @"rx pkts=(\d+).*tx pkts=(\d+)", RegexOptions.Singleline);
            return (long.Parse(counts.Groups[1].Value, CultureInfo.InvariantCulture), long.Parse(counts.Groups[2].Value, CultureInfo.InvariantCulture));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using (LiveProcess exit = new("ovs-appctl", ["-t", _folder["ctl"], "exit", "--cleanup"])) exit.End(60);
        _switch.Dispose();
        _folder.Dispose();
        _database.Dispose();
    }

    private string Vsctl(params string[] arguments) => _database.VsctlWaiting(arguments);
}
