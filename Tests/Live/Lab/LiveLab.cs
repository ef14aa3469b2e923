using System.Diagnostics;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Network namespaces of a test's own, with veth pairs into the one that the test runs in, and commands in them that end in time. Whatever happens, all of it is removed. Skips the test where the
/// system does not allow it.
/// </summary>
internal sealed class LiveLab : IDisposable
{
    private static int s_last;
    private readonly string _prefix;
    private readonly List<string> _namespaces = [], _devices = [];

    /// <summary>An empty lab.</summary>
    public LiveLab()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root" || !File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip")) Assert.Skip("network namespaces need root and iproute2");
        _prefix = $"mf{Environment.ProcessId % 100_000}{(char)('a' + (Interlocked.Increment(ref s_last) % 26))}";
        (int code, string text) = Run("ip", "netns", "add", _prefix);
        if (code != 0) Assert.Skip($"network namespaces do not work here: {text.Trim()}");
        _namespaces.Add(_prefix);
    }

    /// <summary>A host: a namespace with a device <c>eth0</c>, whose other end is a device here. Returns the name of that one.</summary>
    /// <param name="name">Name of the host, a letter or two.</param>
    /// <param name="addresses">Addresses of eth0 with their prefix lengths.</param>
    /// <param name="mtuBytes">MTU of both ends.</param>
    /// <param name="queues">Queues of both ends.</param>
    public string AddHost(string name, string[] addresses, int mtuBytes = 1500, int queues = 1)
    {
        string space = SpaceOf(name), device = $"{_prefix}{name}";
        Ip("netns", "add", space);
        _namespaces.Add(space);
        string count = queues.ToString();
        Ip("link", "add", device, "mtu", mtuBytes.ToString(), "numtxqueues", count, "numrxqueues", count, "type", "veth", "peer", "name", "eth0", "mtu", mtuBytes.ToString(), "netns", space, "numtxqueues", count, "numrxqueues", count);
        _devices.Add(device);

        // Nothing speaks on the switch's own end.
        File.WriteAllText($"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", "1");
        Must(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.eth0.accept_dad=0");
        foreach (string address in addresses) Must(name, ["ip", "addr", "add", address, "dev", "eth0", .. address.Contains(':') ? new[] { "nodad" } : []]);
        Must(name, "ip", "link", "set", "lo", "up");
        Must(name, "ip", "link", "set", "eth0", "up", "address", MacOf(name));
        Ip("link", "set", device, "up");
        return device;
    }

    /// <summary>Ethernet address of a host's eth0.</summary>
    public static string MacOf(string name) => $"02:00:00:00:00:{(int)name[0]:x2}";

    /// <summary>A host reaches others by an address that the switch stands for.</summary>
    public void SetGateway(string host, string address, string mac)
    {
        Must(host, "ip", "neigh", "replace", address, "lladdr", mac, "dev", "eth0", "nud", "permanent");
        Must(host, "ip", "route", "replace", "default", "via", address);
    }

    /// <summary>Name for a device here, removed in the end.</summary>
    public string DeviceName(string name)
    {
        string device = $"{_prefix}{name}";
        _devices.Add(device);
        return device;
    }

    /// <summary>Runs <c>ip</c> here.</summary>
    public void Ip(params string[] arguments)
    {
        (int code, string text) = Run("ip", arguments);
        Assert.True(code == 0, $"ip {string.Join(' ', arguments)}: {text}");
    }

    /// <summary>Runs a command here that must not fail; returns what it has written.</summary>
    public string Here(string program, params string[] arguments)
    {
        (int code, string text) = Run(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: {text}");
        return text;
    }

    /// <summary>Runs a command on a host; its exit code, and what it has written.</summary>
    public (int Code, string Text) On(string host, params string[] command) => Run("ip", ["netns", "exec", SpaceOf(host), .. command]);

    /// <summary>Runs a command on a host that must not fail; returns what it has written.</summary>
    public string Must(string host, params string[] command)
    {
        (int code, string text) = On(host, command);
        Assert.True(code == 0, $"{host}: {string.Join(' ', command)}: {text}");
        return text;
    }

    /// <summary>The devices of hosts finish their checksums and make frames of MTU size themselves, at both ends.</summary>
    public void SwitchOffloadsOff(params string[] hosts)
    {
        foreach (string host in hosts)
        {
            if (!File.Exists("/usr/sbin/ethtool") && !File.Exists("/sbin/ethtool")) Assert.Skip("ethtool is not installed");
            Must(host, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off");
            (int code, string text) = Run("ethtool", "-K", $"{_prefix}{host}", "tx", "off", "tso", "off", "gso", "off", "gro", "off");
            Assert.True(code == 0, text);
        }
    }

    /// <summary>Has something done on a host, by a thread that is there: sockets that it opens are the host's.</summary>
    public T In<T>(string host, Func<T> work)
    {
        T result = default!;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                NetDevice.EnterNamespace($"/run/netns/{SpaceOf(host)}");
                result = work();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new InvalidOperationException($"{host}: {failure.Message}", failure);
        return result;
    }

    /// <summary>Begins a command on a host. Whoever begins it disposes it, which ends it.</summary>
    public LiveProcess Begin(string host, params string[] command) => new("ip", ["netns", "exec", SpaceOf(host), .. command]);

    /// <summary>Waits until something is true.</summary>
    public static void WaitFor(Func<bool> condition, string what, int seconds = 60)
    {
        for (long begin = Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(5))
        {
            if (Stopwatch.GetElapsedTime(begin).TotalSeconds > seconds) Assert.Fail($"waited {seconds} s for: {what}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string device in _devices)
        {
            if (NetDevice.IndexOf(device) != 0) Run("ip", "link", "del", device);
        }

        foreach (string space in _namespaces) Run("ip", "netns", "del", space);
    }

    private string SpaceOf(string host) => $"{_prefix}{host}";

    private static (int Code, string Text) Run(string program, params string[] arguments)
    {
        using LiveProcess process = new(program, arguments);
        return process.End(seconds: 120);
    }
}
