namespace Mergeflow.Nic;


/// <summary>Kinds of queued requests.</summary>
public enum NicOperation : byte
{
    Create,
    Destroy,
}
