using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Ingress policing of a database on devices: what is over the rate is lost at the port, and counted there.</summary>
public sealed class LivePolicingTests
{
    private const int Port = 5008, Count = 6000, PayloadBytes = 100;

    [Theory]
    [InlineData("soft", "10.98.0")]
    [InlineData("kernel", "10.99.0")]
    public void A_port_takes_in_what_its_rate_allows_and_all_once_there_is_none(string offload, string net)
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", [$"{net}.1/24"]), b = lab.AddHost("b", [$"{net}.2/24"]), bridge = lab.DeviceName("x");
        run.Vsctl("set", "open", ".", $"other_config:mergeflow-offload={offload}");
        run.Start();
        run.Vsctl("add-br", bridge, "--", "add-port", bridge, a, "--", "set", "interface", a, "ofport_request=1", "--", "add-port", bridge, b, "--", "set", "interface", b, "ofport_request=2");
        LiveLab.WaitFor(() => lab.On("a", "ping", "-c", "1", "-W", "2", $"{net}.2").Code == 0, "the way to b");
        Assert.Equal(Count, Flood(inStep: Count).Came);

        // A thousand packets at once, and a thousand in a second.
        run.Vsctl("set", "interface", a, "ingress_policing_kpkts_rate=1", "ingress_policing_kpkts_burst=1");
        long before = Dropped();
        (int came, double seconds) = Flood(inStep: 900);
        Assert.InRange(came, 900, 1000 + (1000 * seconds) + 100);
        Assert.True(came < Count, "nothing was dropped");

        // What the port dropped is counted there; the kernel may have lost others in front of it.
        LiveLab.WaitFor(() => Dropped() > before, "what was dropped is told");
        Assert.InRange(Dropped() - before, 1, Count - came + 50);
        LiveLab.WaitFor(() => run.Vsctl("get", "interface", a, "statistics").Contains("ovs_rx_qos_drops=", StringComparison.Ordinal), "and so does the database");
        if (offload == "kernel") Assert.Contains("what comes in by it is limited", run.Log, StringComparison.Ordinal);

        run.Vsctl("set", "interface", a, "ingress_policing_kpkts_rate=0", "ingress_policing_rate=1000000000");
        Assert.Equal(Count, Flood(inStep: Count).Came);
        run.Vsctl("set", "interface", a, "ingress_policing_rate=0");
        Assert.Equal(Count, Flood(inStep: Count).Came);

        long Dropped() => long.Parse(Regex.Match(run.Ofctl("dump-ports", bridge, "1"), "rx pkts=[0-9]+, bytes=[0-9]+, drop=([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);

        // The first ones so that no queue is full: some, and more when these have come.
        (int Came, double Seconds) Flood(int inStep)
        {
            using Socket to = lab.In("b", () =>
            {
                Socket s = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 8 << 20, ReceiveTimeout = 3000 };
                s.Bind(new IPEndPoint(IPAddress.Any, Port));
                return s;
            });
            using Socket from = lab.In("a", () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            from.Connect(IPAddress.Parse($"{net}.2"), Port);
            long begin = Stopwatch.GetTimestamp();
            byte[] data = new byte[PayloadBytes], got = new byte[PayloadBytes];
            int came = 0;
            for (int i = 0; i < Count; i++)
            {
                from.Send(data);
                if (i % 50 != 49) continue;
                for (long step = Stopwatch.GetTimestamp(); i < inStep && came <= i && Stopwatch.GetElapsedTime(step).TotalSeconds < 10;) Take(wait: true);
                Take(wait: i >= inStep);
            }

            for (int before = -1; before != came; Thread.Sleep(300))
            {
                before = came;
                Take(wait: false);
            }

            return (came, Stopwatch.GetElapsedTime(begin).TotalSeconds);

            void Take(bool wait)
            {
                if (wait && to.Available == 0) Thread.Sleep(1);
                while (to.Available > 0 && to.Receive(got) > 0) came++;
            }
        }
    }
}
