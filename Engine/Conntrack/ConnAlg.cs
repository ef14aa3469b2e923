namespace Mergeflow.Engine;

/// <summary>Application-level gateway of a control connection.</summary>
internal enum ConnAlg : byte
{
    None,
    Ftp,
    Tftp,
}
