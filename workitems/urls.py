from django.urls import path

from .api.description import docs
from .pages import views

urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("icon", views.Icon.as_view(), name="icon"),
    path("items", views.Start.as_view(), name="start"),
    path("items/", views.List.as_view(), name="items"),
    path("items/changes", views.ListChanges.as_view(), name="changes"),
    path("items/review", views.BulkReview.as_view(), name="bulk_review"),
    path("items/review/queue", views.ReviewQueue.as_view(), name="review_queue"),
    path("items/cancel", views.BulkCancel.as_view(), name="bulk_cancel"),
    path("items/requeue", views.BulkRequeue.as_view(), name="bulk_requeue"),
    path("items/<int:pk>", views.Item.as_view(), name="item"),
    path("items/<int:pk>/version", views.ItemVersion.as_view(), name="item_version"),
    path("items/<int:pk>/cancel", views.Cancel.as_view(), name="cancel"),
    path("items/<int:pk>/requeue", views.Requeue.as_view(), name="requeue"),
    path("items/<int:pk>/review", views.Review.as_view(), name="review"),
    path("items/<int:pk>/watch", views.Watch.as_view(), name="watch"),
    path("items/<int:pk>/edit", views.Edit.as_view(), name="edit"),
    path("views/", views.SavedViews.as_view(), name="saved_views"),
    path("views/<int:pk>", views.ChangeView.as_view(), name="change_view"),
    path("views/<int:pk>/delete", views.DeleteView.as_view(), name="delete_view"),
    path("views/start", views.StartWith.as_view(), name="start_with"),
    path("views/<int:pk>/count", views.ViewCount.as_view(), name="view_count"),
    path("views/<int:pk>/digest", views.DigestOfView.as_view(), name="digest"),
    path("digests/stop/<str:token>", views.StopDigest.as_view(), name="stop_digest"),
    path("acts/", views.Acts.as_view(), name="acts"),
    path("acts/<uuid:pk>", views.Act.as_view(), name="act"),
    path("acts/<uuid:pk>/undo", views.Undo.as_view(), name="undo"),
    path("words", views.Words.as_view(), name="words"),
    path("api/docs/", docs.Overview.as_view(), name="api_docs"),
    path("api/docs/moves/", docs.Moves.as_view(), name="api_moves"),
    *(path(f"api/docs/{v}/", docs.Version.as_view(version=v), name=f"api_docs_{v}") for v in docs.VERSIONS),
    *(path(f"api/docs/{v}.json", docs.Document.as_view(version=v), name=f"api_{v}_json") for v in docs.VERSIONS),
]
