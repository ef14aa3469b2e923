namespace Mergeflow.Engine.Conntrack;

/// <summary>What the senders of one row hold of the fragments.</summary>
internal struct CtSource
{
    /// <summary>First and last of their datagrams by age, -1 = none.</summary>
    public int Oldest;
    public int Newest;

    public int FragmentCount;
}
