using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Runtime;
using Xunit;
using RunningLive = Mergeflow.Control.LiveSwitch;

namespace Mergeflow.Tests;

/// <summary>Controllers at the other ends of real sockets.</summary>
public sealed class OfControllersTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private readonly string _folder = Directory.CreateTempSubdirectory("mergeflow-controllers-").FullName;
    private readonly RunningLive _live = new(new DatapathOptions { Ports = [], PmdCount = 1, PacketInBytes = 1 << 16 });
    private readonly OfTls _tls = new();
    private readonly OfEndpoint _endpoint;
    private readonly List<string> _lines = [];

    public OfControllersTests()
    {
        _live.Start();
        _endpoint = new OfEndpoint(new LiveOfSwitch(_live, "br0", static (_, _) => false), _tls, (_, _, line) =>
        {
            lock (_lines) _lines.Add(line);
        }, tellsPorts: false);
    }

    public void Dispose()
    {
        _endpoint.Dispose();
        _live.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_switch_connects_and_connects_again()
    {
        using Socket listener = Listen(out int port);
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings() });
        using (Socket first = listener.Accept())
        {
            Greet(first, OfVersion.V13);
            Until(() => Status() is { IsConnected: true, Role: "other" } s && s.Pairs["state"] == "ACTIVE" && s.Pairs.ContainsKey("sec_since_connect"));
        }

        Until(() => Status() is { IsConnected: false, Role: null } s && s.Pairs.ContainsKey("last_error") && s.Pairs.ContainsKey("sec_since_disconnect"));
        using Socket second = listener.Accept();
        Greet(second, OfVersion.V10);
        Until(() => Status().IsConnected);
    }

    [Fact]
    public void Somebody_who_is_silent_is_asked_and_then_given_up()
    {
        using Socket listener = Listen(out int port);
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings { ProbeMs = 300 } });
        using Socket deaf = listener.Accept();
        Greet(deaf, OfVersion.V13);
        Until(() => Kinds(deaf).Contains(OfKind.EchoRequest));
        Until(() => Status() is { IsConnected: false } s && s.Pairs["last_error"] == "Connection timed out");
        using Socket again = listener.Accept();
        Assert.True(again.Connected);
    }

    [Fact]
    public void Nobody_there_is_tried_ever_more_seldom()
    {
        using (Socket taken = Listen(out int port)) Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings { MaxBackoffMs = 1000 } });
        Until(() => Status() is { IsConnected: false } s && s.Pairs["state"] == "BACKOFF" && s.Pairs["last_error"] == "Connection refused");
    }

    [Fact]
    public void The_first_controller_takes_the_flows_and_the_last_one_gives_them_back()
    {
        Configure([], isStandalone: true);
        Assert.Equal(["priority=0 actions=NORMAL"], Flows());
        using Socket listener = Listen(out int port);
        Configure(new() { [$"ptcp:0:127.0.0.1"] = new OfControllerSettings { IsService = true } }, isStandalone: true);
        Assert.Single(Flows());
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings() }, isStandalone: true);
        Assert.Empty(Flows());
        Configure([], isStandalone: true);
        Assert.Single(Flows());
        Configure([], isStandalone: false);
        Assert.Empty(Flows());
    }

    [Fact]
    public void Standalone_without_its_controller_it_forwards_on_its_own_and_its_flows_go()
    {
        using Socket listener = Listen(out int port);
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings { ProbeMs = 1000 } }, isStandalone: true);
        _live.Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows("priority=7,actions=drop"), RunningLive.NowMs);
        Until(() => _live.Datapath.Pipeline.Treatment.StandsAlone);
        Assert.Empty(Flows());
        using Socket socket = listener.Accept();
        Greet(socket, OfVersion.V13);
        Until(() => Status().IsConnected);
        Assert.True(_live.Datapath.Pipeline.Treatment.StandsAlone, "a connection alone is no controller");
        socket.Send(OfCodec.Encode(new OfEmpty { Kind = OfKind.BarrierRequest }, OfVersion.V13));
        Until(() => !_live.Datapath.Pipeline.Treatment.StandsAlone);
    }

    [Fact]
    public void Before_version_13_misses_are_for_controllers_that_are_there()
    {
        using Socket listener = Listen(out int port);
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings() });
        using (Socket old = listener.Accept())
        {
            Greet(old, OfVersion.V10);
            Until(() => _live.Datapath.Pipeline.Treatment.TellsMisses);
        }

        Until(() => !_live.Datapath.Pipeline.Treatment.TellsMisses);
    }

    [Fact]
    public void Who_snoops_gets_what_both_sides_say()
    {
        string path = Path.Combine(_folder, "br0.snoop");
        _endpoint.Controllers.Snoop(path);
        using (Socket early = Connect(path))
        {
            early.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V15));
            early.ReceiveTimeout = (int)s_patience.TotalMilliseconds;
            Assert.DoesNotContain(Kinds(early, untilEnd: true), static k => k != OfKind.Hello);
        }

        using Socket listener = Listen(out int port);
        Configure(new() { [$"tcp:127.0.0.1:{port}"] = new OfControllerSettings() });
        using Socket controller = listener.Accept();
        Greet(controller, OfVersion.V13);
        Until(() => Status().IsConnected);
        using Socket snooper = Connect(path);
        snooper.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V15));
        List<OfKind> heard = [];
        Until(() =>
        {
            controller.Send(OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 5 }, OfVersion.V13));
            heard.AddRange(Kinds(snooper));
            return heard.Contains(OfKind.EchoRequest) && heard.Contains(OfKind.EchoReply);
        });
    }

    [Fact]
    public void Passive_ones_answer_and_those_who_say_nothing_are_closed()
    {
        int port = FreePort();
        Configure(new() { [$"ptcp:{port}:127.0.0.1"] = new OfControllerSettings { IsService = true } });
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Connect(IPAddress.Loopback, port);
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(IPAddress.Loopback, port);
        Greet(client, OfVersion.V14);
        client.Send(OfCodec.Encode(new OfEmpty { Kind = OfKind.FeaturesRequest }, OfVersion.V14));
        Until(() => Kinds(client).Contains(OfKind.FeaturesReply));
        silent.ReceiveTimeout = (int)s_patience.TotalMilliseconds;
        Assert.Equal([OfKind.Hello], Kinds(silent, untilEnd: true));
        Assert.Empty(_endpoint.Controllers.Status());
    }

    [Fact]
    public void What_cannot_be_is_said_and_the_rest_is_done()
    {
        int port = FreePort();
        IReadOnlyList<string> failures = _endpoint.Controllers.Configure(new Dictionary<string, OfControllerSettings>
        {
            ["udp:somewhere"] = new(),
            [$"punix:{_folder}/no/folder"] = new(),
            [$"ptcp:{port}:127.0.0.1"] = new(),
        }, isStandalone: false);
        Assert.Contains(failures, static f => f.Contains("unsupported controller \"udp:somewhere\"", StringComparison.Ordinal));
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(IPAddress.Loopback, port);
        Assert.True(client.Connected);
    }

    [Fact]
    public void By_tls_only_those_are_let_in_that_the_authority_knows()
    {
        using X509Certificate2 authority = Authority("CN=authority"), stranger = Authority("CN=stranger");
        _tls.Files = new OfTlsFiles(Write("key.pem", "cert.pem", authority, out X509Certificate2 own), Path.Combine(_folder, "cert.pem"), Path.Combine(_folder, "ca.pem"));
        File.WriteAllText(Path.Combine(_folder, "ca.pem"), authority.ExportCertificatePem());
        own.Dispose();
        using Socket listener = Listen(out int port);
        Configure(new() { [$"ssl:127.0.0.1:{port}"] = new OfControllerSettings() });
        using (Socket wrong = listener.Accept())
        {
            Assert.ThrowsAny<Exception>(() => Secure(wrong, stranger));
        }

        using Socket right = listener.Accept();
        using SslStream stream = Secure(right, authority);
        stream.Write(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V13));
        Until(() => Status().IsConnected);
    }

    private static void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, s_patience), "it has not happened");

    private static Socket Listen(out int port)
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4);
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        return listener;
    }

    private static int FreePort()
    {
        using Socket socket = Listen(out int port);
        return port;
    }

    private static Socket Connect(string path)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static void Greet(Socket socket, OfVersion version) => socket.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, version));

    /// <summary>Kinds of the messages that have come; those that are whole.</summary>
    private static List<OfKind> Kinds(Socket socket, bool untilEnd = false)
    {
        List<byte> bytes = [];
        byte[] buffer = new byte[65536];
        while ((untilEnd || socket.Available > 0) && socket.Receive(buffer) is > 0 and int n) bytes.AddRange(buffer[..n]);
        List<OfKind> kinds = [];
        for (ReadOnlySpan<byte> rest = bytes.ToArray(); rest.Length >= 8;)
        {
            int length = OfCodec.LengthOf(rest);
            kinds.Add(OfCodec.Decode(rest[..length]).Kind);
            rest = rest[length..];
        }

        return kinds;
    }

    private static X509Certificate2 Authority(string name)
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority)
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=member", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 issued = request.Create(authority, authority.NotBefore, authority.NotAfter, [1, 2, 3, 4]);
        using X509Certificate2 whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    private static SslStream Secure(Socket socket, X509Certificate2 authority)
    {
        using X509Certificate2 own = Issue(authority);
        SslStream stream = new(new NetworkStream(socket));
        stream.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificate = own, ClientCertificateRequired = true, RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null });
        byte[] hello = new byte[8];
        stream.ReadExactly(hello);
        return stream;
    }

    private string Write(string keyFile, string certificateFile, X509Certificate2 authority, out X509Certificate2 own)
    {
        own = Issue(authority);
        File.WriteAllText(Path.Combine(_folder, certificateFile), own.ExportCertificatePem());
        using RSA key = own.GetRSAPrivateKey()!;
        File.WriteAllText(Path.Combine(_folder, keyFile), key.ExportPkcs8PrivateKeyPem());
        return Path.Combine(_folder, keyFile);
    }

    private void Configure(Dictionary<string, OfControllerSettings> wanted, bool isStandalone = false) => Assert.Empty(_endpoint.Controllers.Configure(wanted, isStandalone));

    private OfControllerStatus Status() => Assert.Single(_endpoint.Controllers.Status());

    private string[] Flows() => [.. _live.Datapath.Pipeline.Rules.Select(static r => new FlowTextFormatter().FormatWithoutStats(r).Trim())];
}
