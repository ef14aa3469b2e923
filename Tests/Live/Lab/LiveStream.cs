using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Bytes from one host to another over TCP, and datagrams over UDP, with what arrives compared to what was sent.</summary>
internal static class LiveStream
{
    private const int ChunkBytes = 1 << 18, TimeoutMs = 60_000, SlowBytes = 1 << 14, SlowRounds = 2000;

    /// <summary>MB that a stream has: more by <c>MERGEFLOW_LIVE_MB</c>, 1024 for a whole GB.</summary>
    public static int Megabytes { get; } = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_LIVE_MB"), out int mb) && mb > 0 ? mb : 32;

    /// <summary>Sends a stream from a host to the address of another, which must come out with the same SHA-256; both sides' endpoints as the receiver saw them.</summary>
    /// <param name="taken">Bytes by merged rules so far. The stream begins slowly and goes on at full speed when rules have taken some of it; null = at full speed at once.</param>
    public static EndPoint Send(LiveLab lab, string from, string to, string address, int port = 5001, int megabytes = 0, string? listenOn = null, Func<ulong>? taken = null)
    {
        if (megabytes == 0) megabytes = Megabytes;
        IPAddress target = IPAddress.Parse(address), local = listenOn is null ? target : IPAddress.Parse(listenOn);
        using Socket listener = lab.In(to, () =>
        {
            Socket s = new(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            s.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            s.Bind(new IPEndPoint(local, port));
            s.Listen(1);
            return s;
        });
        using Socket client = lab.In(from, () => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.SendTimeout = client.ReceiveTimeout = TimeoutMs;
        Task connect = Task.Run(() => client.Connect(new IPEndPoint(target, port)));
        if (!connect.Wait(TimeoutMs)) Assert.Fail($"{from} does not reach {address}:{port}");
        using Socket server = listener.Accept();
        server.ReceiveTimeout = TimeoutMs;
        EndPoint peer = server.RemoteEndPoint!;
        Task<byte[]> sent = Task.Run(() => Write(client, megabytes, taken));
        byte[] received = Read(server);
        Assert.Equal(Convert.ToHexString(sent.GetAwaiter().GetResult()), Convert.ToHexString(received));
        return peer;
    }

    /// <summary>Sends datagrams of a size one by one; each must come back from the other host as it was.</summary>
    public static void Echo(LiveLab lab, string from, string to, string address, int bytes, int count)
    {
        IPAddress target = IPAddress.Parse(address);
        using Socket server = lab.In(to, () =>
        {
            Socket s = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            s.Bind(new IPEndPoint(target, 5002));
            return s;
        });
        using Socket client = lab.In(from, () => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        client.ReceiveTimeout = server.ReceiveTimeout = TimeoutMs;
        client.Connect(new IPEndPoint(target, 5002));
        byte[] data = new byte[bytes], there = new byte[65_536], back = new byte[65_536];
        for (int i = 0; i < count; i++)
        {
            Random.Shared.NextBytes(data);
            client.Send(data);
            EndPoint peer = new IPEndPoint(target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            int n = server.ReceiveFrom(there, ref peer);
            server.SendTo(there.AsSpan(0, n), SocketFlags.None, peer);
            int m = client.Receive(back);
            Assert.True(data.AsSpan().SequenceEqual(back.AsSpan(0, m)), $"datagram {i} came back otherwise");
        }
    }

    /// <summary>Sends datagrams of a size by one call (<c>UDP_SEGMENT</c>); each arrives as it was.</summary>
    public static void SendSegmented(LiveLab lab, string from, string to, string address, int bytes, int count)
    {
        const int solUdp = 17, udpSegment = 103;
        IPAddress target = IPAddress.Parse(address);
        using Socket server = lab.In(to, () =>
        {
            Socket s = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = TimeoutMs };
            s.Bind(new IPEndPoint(target, 5002));
            return s;
        });
        using Socket client = lab.In(from, () => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        client.Connect(new IPEndPoint(target, 5002));

        // The first one finds out who has the address.
        client.Send([1]);
        byte[] there = new byte[65_536];
        Assert.Equal(1, server.Receive(there));
        client.SetRawSocketOption(solUdp, udpSegment, BitConverter.GetBytes((uint)bytes));
        byte[] data = new byte[(bytes * count) - 7];
        Random.Shared.NextBytes(data);
        client.Send(data);
        for (int at = 0; at < data.Length; at += bytes)
        {
            int n = server.Receive(there), wanted = Math.Min(bytes, data.Length - at);
            Assert.True(n == wanted && data.AsSpan(at, n).SequenceEqual(there.AsSpan(0, n)), $"{n} bytes instead of {wanted}, or others");
        }
    }

    /// <summary>Says lines over TCP, each when the other host has answered the one before; returns what arrived.</summary>
    public static string Say(LiveLab lab, string from, string to, string address, int port, params string[] lines)
    {
        IPEndPoint target = new(IPAddress.Parse(address), port);
        using Socket listener = lab.In(to, () =>
        {
            Socket s = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            s.Bind(target);
            s.Listen(1);
            return s;
        });
        using Socket client = lab.In(from, () => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.ReceiveTimeout = client.SendTimeout = TimeoutMs;
        if (!Task.Run(() => client.Connect(target)).Wait(TimeoutMs)) Assert.Fail($"{from} does not reach {address}:{port}");
        using Socket server = listener.Accept();
        server.ReceiveTimeout = TimeoutMs;
        StringBuilder received = new();
        byte[] chunk = new byte[ChunkBytes];
        foreach (string line in lines)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(line);
            Task said = Task.Run(() =>
            {
                for (int at = 0; at < bytes.Length;) at += client.Send(bytes, at, bytes.Length - at, SocketFlags.None);
            });
            do received.Append(Encoding.ASCII.GetString(chunk, 0, server.Receive(chunk)));
            while (received[^1] != '\n');
            said.GetAwaiter().GetResult();
            server.Send("200 ok\r\n"u8);
            client.Receive(chunk);
        }

        return received.ToString();
    }

    private static byte[] Write(Socket socket, int megabytes, Func<ulong>? taken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        Random random = new(megabytes);
        random.NextBytes(chunk);
        if (taken is not null)
        {
            ulong before = taken();
            for (int i = 0; taken() < before + SlowBytes; i++)
            {
                if (i == SlowRounds) Assert.Fail("no merged rule took any of the stream");
                hash.AppendData(chunk, 0, SlowBytes);
                for (int at = 0; at < SlowBytes;) at += socket.Send(chunk, at, SlowBytes - at, SocketFlags.None);
                Thread.Sleep(20);
            }
        }

        for (int i = 0; i < megabytes * ((1 << 20) / ChunkBytes); i++)
        {
            random.NextBytes(chunk.AsSpan(0, 4096));
            hash.AppendData(chunk);
            for (int at = 0; at < chunk.Length;) at += socket.Send(chunk, at, chunk.Length - at, SocketFlags.None);
        }

        socket.Shutdown(SocketShutdown.Send);
        return hash.GetHashAndReset();
    }

    private static byte[] Read(Socket socket)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        for (int n; (n = socket.Receive(chunk)) > 0;) hash.AppendData(chunk, 0, n);
        return hash.GetHashAndReset();
    }
}
