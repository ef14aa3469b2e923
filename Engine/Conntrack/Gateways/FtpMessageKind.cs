namespace Mergeflow.Engine.Conntrack;

/// <summary>What a segment of an FTP control connection is to conntrack (OVS <c>enum ftp_ctl_pkt</c>).</summary>
internal enum FtpMessageKind : byte
{
    /// <summary>Nothing that matters.</summary>
    Other,

    /// <summary>It announces a data connection.</summary>
    Announcement,

    /// <summary>It would, if it made sense.</summary>
    Invalid,
}
