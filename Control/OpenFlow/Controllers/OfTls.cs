using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Files of keys and certificates (table <c>SSL</c>; ovs-vswitchd(8) <c>--private-key</c>, <c>--certificate</c>, <c>--ca-cert</c>, <c>--bootstrap-ca-cert</c>).</summary>
/// <param name="PrivateKey">Of the switch, PEM.</param>
/// <param name="Certificate">Of the switch, PEM.</param>
/// <param name="CaCertificate">Whoever has a certificate of this authority is let in, PEM.</param>
/// <param name="BootstrapsCa">The first controller that is connected to says which authority it is, if the file is not there.</param>
public sealed record OfTlsFiles(string PrivateKey, string Certificate, string CaCertificate, bool BootstrapsCa = false);

/// <summary>
/// TLS for OpenFlow connections: both sides show a certificate of the authority, names are not looked at (OVS <c>stream-ssl.c</c>). Files are read for each connection, as they may have changed. For any thread.
/// </summary>
public sealed class OfTls
{
    private static readonly TimeSpan s_handshake = TimeSpan.FromSeconds(5);

    private volatile OfTlsFiles? _files;

    /// <summary>Which files; null = none, and nobody can be connected to by TLS.</summary>
    public OfTlsFiles? Files
    {
        get => _files;
        set => _files = value;
    }

    /// <summary>Makes a connection that the switch has begun a secure one.</summary>
    /// <exception cref="IOException">Files are missing, or do not fit; or the other side is not who it should be.</exception>
    internal Stream Client(Socket socket, string host) => Secure(socket, (stream, own, authorities) => stream.AuthenticateAsClient(new SslClientAuthenticationOptions
    {
        TargetHost = host,
        ClientCertificates = [own],
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain, authorities),
    }));

    /// <summary>The same for one that somebody else has begun.</summary>
    /// <exception cref="IOException">As <see cref="Client"/>.</exception>
    internal Stream Server(Socket socket) => Secure(socket, (stream, own, authorities) => stream.AuthenticateAsServer(new SslServerAuthenticationOptions
    {
        ServerCertificate = own,
        ClientCertificateRequired = true,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => IsTrusted(certificate, chain, authorities),
    }));

    private SslStream Secure(Socket socket, Action<SslStream, X509Certificate2, X509Certificate2Collection> handshake)
    {
        OfTlsFiles files = _files ?? throw new IOException("Private key, certificate and CA certificate must be configured to use SSL");
        SslStream stream = new(new NetworkStream(socket), leaveInnerStreamOpen: false);
        try
        {
            using X509Certificate2 own = Own(files);
            X509Certificate2Collection authorities = Authorities(files);
            socket.ReceiveTimeout = (int)s_handshake.TotalMilliseconds;
            handshake(stream, own, authorities);
            if (authorities.Count == 0) Bootstrap(files, stream);
            socket.ReceiveTimeout = 0;
            return stream;
        }
        catch (Exception e) when (e is CryptographicException or AuthenticationException or UnauthorizedAccessException)
        {
            stream.Dispose();
            throw new IOException(e.Message, e);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>A key that came from a file directly cannot be used for TLS everywhere: it goes through a container in memory.</summary>
    private static X509Certificate2 Own(OfTlsFiles files)
    {
        using X509Certificate2 read = X509Certificate2.CreateFromPemFile(files.Certificate, files.PrivateKey);
        return X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
    }

    private static X509Certificate2Collection Authorities(OfTlsFiles files)
    {
        X509Certificate2Collection authorities = [];
        if (!files.BootstrapsCa || File.Exists(files.CaCertificate)) authorities.ImportFromPemFile(files.CaCertificate);
        return authorities;
    }

    private static bool IsTrusted(X509Certificate? certificate, X509Chain? shown, X509Certificate2Collection authorities)
    {
        if (certificate is null) return false;

        // Nobody is known yet: the connection is only used to learn who is.
        if (authorities.Count == 0) return true;
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (shown is not null) chain.ChainPolicy.ExtraStore.AddRange(shown.ChainPolicy.ExtraStore);
        return chain.Build(certificate as X509Certificate2 ?? X509CertificateLoader.LoadCertificate(certificate.GetRawCertData()));
    }

    /// <summary>Keeps the authority that the other side has shown, and ends the connection (OVS <c>do_ca_cert_bootstrap</c>).</summary>
    private static void Bootstrap(OfTlsFiles files, SslStream stream)
    {
        X509Certificate certificate = stream.RemoteCertificate ?? throw new IOException("no certificate was shown");
        using X509Chain chain = new();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllFlags;
        using X509Certificate2 shown = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        chain.Build(shown);
        X509Certificate2 root = chain.ChainElements[^1].Certificate;
        if (root.Subject != root.Issuer) throw new IOException("could not bootstrap CA cert: no self-signed certificate sent by peer");
        using (FileStream file = new(files.CaCertificate, FileMode.CreateNew, FileAccess.Write)) file.Write(System.Text.Encoding.ASCII.GetBytes(root.ExportCertificatePem() + "\n"));
        throw new IOException("bootstrapped CA cert; the connection is made again");
    }
}
